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
      `deleted ${told.deleted} events that need not be kept any longer`,
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

test("serve goes through more old events than fit into one batch, while it takes new ones", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets: `crm: http({ url: "${sink.url}", concurrency: 32 })`,
    routes: `{ on: "**", to: "crm" }`,
    more: 'keep: { delivered: "2s" },',
  }));
  const db = new DatabaseSync(join(relay.folder, "relay.db"));
  try {
    const events = () => Number(db.prepare("SELECT count(*) AS count FROM events").get()!.count);
    const numbers = Array.from({ length: 500 }, (_, number) => number);
    await Promise.all(
      numbers.map(async (number) => assert.equal((await relay.post(event("good", number))).text, "OK")),
    );
    await sink.received(numbers.length);
    await until("the first to be deleted", () => events() < numbers.length);
    assert.equal((await relay.post(event("good", -1))).text, "OK");
    await until("all to be deleted", () => events() === 0);
    assert.equal(sink.requests.length, numbers.length + 1);
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
