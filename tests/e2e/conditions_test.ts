/** A condition that fails keeps events from their targets: that is said before the first event, and after it. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const FAILS = "(e) => e.data.paciente.nome === 'Rex'";

test("a condition that fails is told of by check, send, status, events and the first page, until it is corrected", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: `crm: http({ url: "${sink.url}" }), chat: http({ url: "${sink.url}", body: (e) => ({ a: e.data.b.c }) })`,
    routes: `{ on: "note.*", to: "crm" }, { on: "note.failed", to: "chat", when: ${FAILS} },
      { on: "note.processing", to: "chat" }`,
  }));
  const run = (...args: string[]) => runRelay(args, { cwd: relay.folder });
  const page = async () => await (await fetch(await relay.adminUrl(), { headers: { "Accept-Language": "en" } })).text();
  try {
    const check = await run("check");
    assert.equal(check.code, 0);
    assert.match(
      check.stdout,
      /routes\[1\]\.when: fails with a sample note\.failed: threw: .*paciente.*\n.*relay\.config\.ts:\d/,
    );
    assert.match(check.stdout, /targets\.chat: fails with a sample note\.processing: Cannot make the body: /);
    assert.match((await run("status")).stdout, /^Nothing needs attention/);

    const sent = await relay.post('{"event":"note.failed","data":{"note_id":"n1"}}');
    assert.equal(sent.status, 200);
    const status = (await run("status")).stdout;
    assert.match(status, /✗ A condition failed for the last event\n {2}routes\[1\]\.when threw: /);
    const [, id] = /`relay replay (\S+) --to TARGET`/.exec(status) ?? [];
    assert.match((await run("events")).stdout, /! condition failed {2}✓ crm\n/);
    assert.match((await run("events", id!)).stdout, /A function of the config failed: routes\[1\]\.when threw: /);
    assert.match(await page(), /A condition failed for the last event<[\s\S]*routes\[1\]\.when threw/);

    const file = join(relay.folder, "relay.config.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace(FAILS, "(e) => e.data.paciente?.nome === 'Rex'"));
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the reload", ({ message }) => `${message}`.startsWith("reloaded "));
    assert.match((await run("status")).stdout, /^Nothing needs attention/);
    assert.match(await page(), /Nothing needs attention/);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("status tells of a condition that still fails behind one that was corrected", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets: `crm: http({ url: "${sink.url}" })`,
    routes:
      `{ on: "note.failed", to: "crm", when: (e) => e.data.a.b }, { on: "note.completed", to: "crm", when: (e) => e.data.c.d }`,
  }));
  try {
    for (const type of ["note.failed", "note.completed"]) {
      assert.equal((await relay.post(`{"event":"${type}","data":{"note_id":"n1"}}`)).status, 200);
    }
    const status = async () => (await runRelay(["status"], { cwd: relay.folder })).stdout;
    assert.match(await status(), /failed for 2 of the last 2 events\n {2}routes\[1\]\.when threw: /);
    const file = join(relay.folder, "relay.config.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("e.data.c.d", "true"));
    assert.match(await status(), /failed for 2 of the last 2 events\n {2}routes\[0\]\.when threw: /);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("status says what a target answered last, and which event shows it", async () => {
  const sink = await startSink((response) => response.writeHead(404).end("no_service\x1b[2J\nmore"));
  const relay = await startRelay(configOf({
    targets: `crm: http({ url: "${sink.url}" }), fora: http({ url: "http://127.0.0.1:1", retry: ["1h"] })`,
    routes: `{ on: "**", to: ["crm", "fora"] }`,
  }));
  try {
    await relay.post('{"event":"note.failed","data":{"note_id":"n1"}}');
    await relay.logged("both attempts", () => relay.log().filter(({ attempt }) => attempt === 1).length === 2);
    const { stdout } = await runRelay(["status"], { cwd: relay.folder });
    const [, id] =
      /The last failure: The target answered 404: no_service\\x1b\[2J \(`relay events (\S+)`\)/.exec(stdout) ?? [];
    assert.equal((await runRelay(["events", id!], { cwd: relay.folder })).code, 0, stdout);
    assert.match(stdout, /The last failure: Cannot reach http:\/\/127\.0\.0\.1:1: /);
    assert.match(
      stdout,
      /Nothing has been delivered to it yet\.\n {2}What waits is retried automatically, the next attempt is in /,
    );
  } finally {
    await relay.close();
    await sink.close();
  }
});
