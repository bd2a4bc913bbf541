/** `relay send --to`: one test message to one target, signed as the sender signs, and its outcome. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, runRelay, sign, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink, status } from "../helpers/sink.ts";

const configFor = (sink: Sink) =>
  configOf({
    targets: `crm: http({ url: "${sink.url}/crm" }), outro: http({ url: "${sink.url}/outro" }),
      recusa: http({ url: "${sink.url}/recusa" }), parado: http({ url: "${sink.url}/parado", timeout: "100ms" })`,
    routes: '{ on: "**", to: ["crm", "outro"] }',
  });

test("send --to delivers one marked and signed message to that target alone", async () => {
  const sink = await startSink();
  const relay = await startRelay(configFor(sink));
  try {
    const { code, stdout, stderr } = await runRelay(["send", "--to", "crm"], { cwd: relay.folder });
    assert.deepEqual([code, stderr], [0, ""], stdout);
    assert.match(stdout, /^crm: attempt 1 delivered in \d+ ms\n`relay events [0-9a-f-]{36}` shows the whole story\n$/);
    assert.deepEqual(sink.requests.map(({ path }) => path), ["/crm"]);
    const { body, headers } = sink.requests[0]!;
    const { event, data } = JSON.parse(body.toString());
    assert.deepEqual([event, data], ["relay.test", { target: "crm" }]);
    assert.equal(headers["x-connectvets-signature"], sign(body));
    const json = await runRelay(["send", "--to", "crm", "--json"], { cwd: relay.folder });
    const { target, state, status } = JSON.parse(json.stdout);
    assert.deepEqual([json.code, target, state, status], [0, "crm", "delivered", 200]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("send --to exits 1 and says why where the target refuses, or nobody has tried", async () => {
  const sink = await startSink(status(403));
  const relay = await startRelay(configFor(sink));
  try {
    const refused = await runRelay(["send", "--to", "recusa"], { cwd: relay.folder });
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /^recusa: attempt 1 failed for good: refused \(403\)\n/);
    await runRelay(["pause", "parado"], { cwd: relay.folder });
    const waits = await runRelay(["send", "--to", "parado"], { cwd: relay.folder });
    assert.equal(waits.code, 1);
    assert.match(
      waits.stdout,
      /^The target is paused: .*\nStill waiting after 3\.1 s: parado \(paused\)\n`relay status` /,
    );
    const json = JSON.parse((await runRelay(["send", "--to", "parado", "--json"], { cwd: relay.folder })).stdout);
    assert.deepEqual([json.state, json.reason, json.status], ["pending", null, null]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("send --to refuses a target that the config does not name, and what is for samples alone", async () => {
  const sink = await startSink();
  const relay = await startRelay(configFor(sink));
  try {
    const unknown = await runRelay(["send", "--to", "crn"], { cwd: relay.folder });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^Cannot send a test message: .*"crn".*crm/);
    const both = await runRelay(["send", "note.failed", "--to", "crm"], { cwd: relay.folder });
    assert.equal(both.code, 2);
    assert.match(both.stderr, /--to cannot be used with an event/);
    assert.equal(sink.requests.length, 0);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("send --to --wait follows the message to its end", async () => {
  const sink = await startSink((response, _, count) => void response.writeHead(count === 1 ? 500 : 200).end("ok"));
  const relay = await startRelay(
    configOf({ targets: `crm: http({ url: "${sink.url}", retry: ["20ms"] })`, routes: "" }),
  );
  try {
    const { code, stdout } = await runRelay(["send", "--to", "crm", "--wait"], { cwd: relay.folder });
    assert.equal(code, 0);
    assert.match(stdout, /^crm: attempt 1 failed: error at the target \(500\).*\ncrm: attempt 2 delivered in \d+ ms\n/);
  } finally {
    await relay.close();
    await sink.close();
  }
});
