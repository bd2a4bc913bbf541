/** What the executable deletes, and when: what is done and old, never what is still to be delivered. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { configOf, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const event = (type: string, number = 1) => `{"event":"${type}","data":{"note_id":"${number}"}}`;

test("serve deletes delivered events, then dead ones, each when it is old enough, and keeps what waits", async () => {
  const sink = await startSink((response, { path }) => {
    response.statusCode = path === "/takes" ? 200 : path === "/refuses" ? 400 : 500;
    response.end();
  });
  const target = (name: string) => `${name}: http({ url: "${sink.url}/${name}", retry: ["1h"] })`;
  const relay = await startRelay(configOf({
    targets: ["takes", "refuses", "fails"].map(target).join(", "),
    routes:
      `{ on: "good", to: "takes" }, { on: "bad", to: ["takes", "refuses"] }, { on: "open", to: ["takes", "fails"] }`,
    more: 'keep: { delivered: "1s", dead: "4s" },',
  }));
  const db = new DatabaseSync(join(relay.folder, "relay.db"));
  try {
    const kept = () => db.prepare("SELECT type FROM events ORDER BY seq").all().map(({ type }) => type);
    const count = (table: string) => db.prepare(`SELECT count(*) AS count FROM ${table}`).get()!.count;
    const sentAt = Date.now();
    await relay.post(event("good"));
    await relay.post(event("bad"));
    await relay.post(event("open"));
    await relay.post(event("nowhere"));
    await relay.post(event("good", 2));
    assert.deepEqual(kept(), ["good", "bad", "open", "nowhere", "good"]);

    await until("the delivered ones to be deleted", () => kept().length === 2);
    assert.ok(Date.now() - sentAt >= 1_000, "not before their time");
    assert.deepEqual(kept(), ["bad", "open"]);
    assert.deepEqual([count("deliveries"), count("attempts")], [4, 4]);
    const deleted = () =>
      relay.log().reduce((sum, record) => sum + (typeof record.deleted === "number" ? record.deleted : 0), 0);
    const line = await relay.logged("what was deleted", () => deleted() === 3);
    assert.ok(line);
    const told = relay.log().find((record) => record.deleted !== undefined)!;
    assert.deepEqual([told.level, told.message], [
      "info",
      `deleted ${told.deleted} events past their retention`,
    ]);

    await until("the dead one to be deleted", () => kept().length === 1);
    assert.ok(Date.now() - sentAt >= 4_000, "not before its time");
    assert.deepEqual(kept(), ["open"]);
    assert.deepEqual([count("deliveries"), count("attempts")], [2, 2]);
    await relay.logged("what was deleted", () => deleted() === 4);
    assert.equal((await relay.post(event("open"))).text, "Already processed");
    assert.equal((await relay.post(event("good"))).text, "OK", "what was deleted is new when it comes again");
  } finally {
    db.close();
    await relay.close();
    await sink.close();
  }
});

test("serve deletes old events behind more than a batch of those that wait, while it takes new ones", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets:
      `crm: http({ url: "${sink.url}" }), down: http({ url: "http://127.0.0.1:1", circuit: { failures: 1, pause: "1h" } })`,
    routes: `{ on: "good", to: "crm" }, { on: "open", to: "down" }`,
    more: 'keep: { delivered: "1s" },',
  }));
  const db = new DatabaseSync(join(relay.folder, "relay.db"));
  try {
    const count = (type: string) => db.prepare("SELECT count(*) AS count FROM events WHERE type = ?").get(type)!.count;
    const postAll = (type: string, events: number) =>
      Promise.all(Array.from({ length: events }, async (_, number) => {
        assert.equal((await relay.post(event(type, number))).text, "OK");
      }));
    await postAll("open", 250);
    await postAll("good", 250);
    await sink.received(250);
    await relay.logged("the first deletion", ({ deleted }) => deleted !== undefined);
    assert.equal((await relay.post(event("good", 1_000))).text, "OK");
    await until("the good ones to be deleted", () => count("good") === 0);
    assert.equal(count("open"), 250);
    assert.equal(sink.requests.length, 251);
  } finally {
    db.close();
    await relay.close();
    await sink.close();
  }
});

test("serve keeps events as long as the config says that was loaded last", async () => {
  const sink = await startSink();
  const configKeeping = (delivered: string) =>
    configOf({
      targets: `crm: http({ url: "${sink.url}" })`,
      routes: `{ on: "**", to: "crm" }`,
      more: `keep: { delivered: "${delivered}" },`,
    });
  const relay = await startRelay(configKeeping("20s"));
  try {
    await relay.post(event("good"));
    await sink.received(1);
    writeFileSync(join(relay.folder, "relay.config.ts"), configKeeping("1s"));
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the deletion, long before 20 s are over", ({ deleted }) => deleted === 1);
  } finally {
    await relay.close();
    await sink.close();
  }
});
