/** How `relay serve` starts, or says why it cannot. */

import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const parts = { targets: `crm: http({ url: "http://127.0.0.1:1" })`, routes: `{ on: "**", to: "crm" }` };

test("serve ends with 1 and a hint where another program listens on its port", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  try {
    const config = configOf(parts).replace("port: 0", `port: ${sink.port}`);
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    const { code, stderr } = await runRelay(["serve"], { cwd: folder.path });
    assert.equal(code, 1);
    assert.match(stderr, /^Cannot listen on 127\.0\.0\.1:\d+: deno \(process \d+\) already listens there\n {2}hint: /);
  } finally {
    folder.remove();
    await sink.close();
  }
});

test("serve ends with 1 where another relay serves the store", async () => {
  const relay = await startRelay(configOf(parts));
  try {
    const { code, stderr } = await runRelay(["serve"], { cwd: relay.folder });
    assert.equal(code, 1);
    assert.match(stderr, /^Cannot serve the store .*relay\.db: another relay serves it\n/);
  } finally {
    await relay.close();
  }
});

test("serve keeps its store in $STATE_DIRECTORY", async () => {
  const state = makeFolder();
  try {
    const relay = await startRelay(configOf(parts), { env: { STATE_DIRECTORY: state.path } });
    assert.equal((await relay.post('{"event":"test","data":{}}')).text, "OK");
    await relay.end();
    await relay.close();
    const again = await startRelay(configOf(parts), { env: { STATE_DIRECTORY: state.path } });
    assert.equal((await again.post('{"event":"test","data":{}}')).text, "Already processed");
    await again.close();
  } finally {
    state.remove();
  }
});

test("serve accepts what an async dedupe or order rejects, records it, and goes on", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets: `crm: http({ url: "${sink.url}", order: async () => { throw new Error("no order") } })`,
    routes: `{ on: "**", to: "crm" }`,
    source: `dedupe: async () => { throw new Error("no key") },`,
  }));
  try {
    assert.equal((await relay.post('{"event":"test","data":{}}')).text, "OK");
    await sink.received(1);
    for (const name of ["dedupe", "order"]) {
      await relay.logged(name, ({ problem }) => new RegExp(`${name} returns a promise`).test(String(problem)));
    }
    assert.doesNotMatch(relay.output(), /no key|no order|\n\s+at /);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve tells events apart whose numeric ids JavaScript cannot hold exactly", async () => {
  const relay = await startRelay(configOf(parts));
  try {
    for (const id of ["9007199254740993", "9007199254740992"]) {
      assert.equal((await relay.post(`{"event":"test","id":${id},"data":{}}`)).text, "OK");
    }
    for (const [id, answer] of [["7", "OK"], ["7", "Already processed"]]) {
      assert.equal((await relay.post(`{"event":"test","id":${id},"data":{}}`)).text, answer);
    }
  } finally {
    await relay.close();
  }
});

test("serve masks values in its log, never the names beside them, and keeps its files to itself", async () => {
  const relay = await startRelay(configOf({
    ...parts,
    targets:
      `crm: http({ url: "http://127.0.0.1:1/in?name=event&kind=accepted" }), gone: script({ command: ["./gone.sh"] })`,
  }));
  try {
    assert.equal((await relay.post('{"event":"test","data":{}}')).text, "OK");
    const accepted = await relay.logged("the event", ({ message }) => String(message).startsWith("accepted test "));
    assert.deepEqual([typeof accepted.event, accepted.targets], ["string", ["crm"]]);
    const warning = await relay.logged("the warning", ({ path }) => path === "targets.gone");
    const missing = join(relay.folder, "gone.sh");
    assert.equal(warning.message, `config: targets.gone cannot run ./gone.sh: the file ${missing} does not exist`);
    for (const name of readdirSync(relay.folder).filter((one) => /^relay\.db(-wal|-shm)?$/.test(one))) {
      assert.equal(statSync(join(relay.folder, name)).mode & 0o077, 0, name);
    }
  } finally {
    await relay.close();
  }
});

test("serve does not share its ports with another relay, whatever address either is given", async () => {
  const config = (host: string, port: number, admin: number) =>
    configOf({
      targets: 'sistema: http({ url: "http://127.0.0.1:9/" })',
      routes: '{ on: "**", to: "sistema" }',
      admin: `{ port: ${admin} }`,
      port,
    }).replace('host: "127.0.0.1"', `host: "${host}"`);
  const [admin, other] = [await freePort(), await freePort()];
  const first = await startRelay(config("127.0.0.1", 0, admin));
  try {
    for (const host of ["127.0.0.1", "0.0.0.0", "::"]) {
      await assertRefused(config(host, first.port, other), "listen.port");
    }
    await assertRefused(config("127.0.0.1", 0, admin), "admin.port");
    assert.equal((await fetch(`${first.url}/healthz`)).status, 200);
  } finally {
    await first.close();
  }

  async function assertRefused(config: string, option: string): Promise<void> {
    const folder = makeFolder();
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    const { code, stderr } = await runRelay(["serve"], { cwd: folder.path });
    folder.remove();
    assert.equal(code, 1, stderr);
    assert.match(stderr, RegExp(`relay \\(process ${first.child.pid}\\) already listens there\n  hint: .*${option}`));
  }
});
