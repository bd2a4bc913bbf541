/** A target that fails again and again, on the executable: held, tried now and then, and taken up again. */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { fetchMetrics } from "../helpers/metrics.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type Respond, type Sink, startSink, status } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";

const event = (number: number) => `{"event":"note.failed","data":{"note_id":"${number}"}}`;

/** A config whose target `alvo` takes attempts often, so that only its circuit keeps them back, beside one that is well. */
function configTo(sink: Sink, options: string): string {
  const retry = JSON.stringify(Array(9).fill("10ms"));
  const alvo = `http({ url: "${sink.url}/alvo", retry: ${retry}, ${options} })`;
  return configOf({
    admin: "{ port: 0 }",
    targets: `alvo: ${alvo}, outro: http({ url: "${sink.url}/outro" })`,
    routes: `{ on: "**", to: ["alvo", "outro"] }`,
  });
}

/** What `alvo` was sent. */
const sentTo = (sink: Sink) => sink.requests.filter(({ path }) => path === "/alvo");

/** Records of the log that begin with this word and concern `alvo`. */
const recordsOf = (relay: RunningRelay, word: string) =>
  relay.log().filter(({ message, target }) => String(message).startsWith(word) && target === "alvo");

/** Resolves when there are so many such records. */
const logged = (relay: RunningRelay, word: string, count: number) =>
  relay.logged(`${count} of ${word}`, () => recordsOf(relay, word).length >= count);

/** What `relay status` says of `alvo`, in text and as JSON. */
async function statusOf(folder: string): Promise<{ line: string; json: Record<string, unknown> }> {
  const [text, json] = [
    await runRelay(["status"], { cwd: folder }),
    await runRelay(["status", "--json"], { cwd: folder }),
  ];
  assert.deepEqual([text.code, json.code], [0, 0], text.stderr + json.stderr);
  const { targets } = JSON.parse(json.stdout) as { targets: Record<string, unknown>[] };
  return {
    line: text.stdout.split("\n").find((line) => line.startsWith("  alvo"))!,
    json: targets.find(({ name }) => name === "alvo")!,
  };
}

test("deliver() holds a target after failures in a row, tries it with one delivery, and resumes", async () => {
  let isUp = false;
  const sink = await startSink((response, { path }) => {
    response.statusCode = isUp || path === "/outro" ? 200 : 500;
    response.end();
  });
  const relay = await startRelay(configTo(sink, 'concurrency: 1, circuit: { failures: 3, pause: "1s" }'));
  try {
    for (let number = 0; number < 5; number++) await relay.post(event(number));
    await logged(relay, "holding", 3);
    const failed = sentTo(sink);
    assert.equal(failed.length, 5, "three failures, and a probe after each of two pauses");
    for (const [index, { at }] of failed.entries()) {
      if (index >= 3) assert.ok(at - failed[index - 1]!.at >= 1_000, "a pause before each probe");
    }
    const [first, second] = recordsOf(relay, "holding");
    assert.deepEqual([first!.level, first!.circuit, first!.failures, second!.failures], ["error", "open", 3, 4]);
    assert.match(String(first!.message), /^holding alvo after 3 failures in a row; next attempt at 20\d\d-.*Z$/);
    assert.equal(recordsOf(relay, "dead").length, 0);
    assert.equal(sink.requests.length - failed.length, 5, "the other target was delivered to meanwhile");

    // Between two probes: where one comes while the status is asked for, it is asked for again.
    const { line, json } = await until("a status between two probes", async () => {
      const status = await statusOf(relay.folder);
      return /held until /.test(status.line) && status.json.state === "open" && status;
    });
    assert.match(line, /^ {2}alvo +held until [\d:]+ +5 /);
    assert.deepEqual([json.state, json.pending, json.lastReason, json.lastDeliveredAt], [
      "open",
      5,
      "server_failed",
      null,
    ]);
    assert.ok(Date.parse(String(json.circuitOpenUntil)) > Date.parse(String(json.lastFailedAt)));
    const metrics = await fetchMetrics(await relay.adminUrl());
    assert.deepEqual(["alvo", "outro"].map((target) => metrics[`relay_circuit_open{target="${target}"}`]), [1, 0]);
    assert.equal(metrics['relay_delivery_backlog{target="alvo"}'], 5);

    isUp = true;
    await logged(relay, "delivered", 5);
    const resuming = recordsOf(relay, "resuming");
    assert.deepEqual(resuming.map(({ level, message, circuit }) => [level, message, circuit]), [
      ["info", "resuming alvo: it takes deliveries again", "closed"],
    ]);
    const failures = recordsOf(relay, "failed").length;
    assert.equal(sentTo(sink).length, failures + 5, "nothing was sent that is not told");
    const attempts = recordsOf(relay, "delivered").map(({ attempt }) => Number(attempt));
    assert.equal(attempts.reduce((sum, attempt) => sum + attempt, 0), failures + 5, "waiting cost no attempt");
    const after = await fetchMetrics(await relay.adminUrl());
    assert.equal(after['relay_circuit_open{target="alvo"}'], 0);
    assert.equal(
      after['relay_delivery_attempts_total{outcome="retry",reason="server_failed",target="alvo"}'],
      failures,
    );
    const well = await statusOf(relay.folder);
    assert.match(well.line, /^ {2}alvo +ok +0 +- +0 +\d+ sec\. ago +\d+ sec\. ago +error at the target$/);
    assert.deepEqual([well.json.state, well.json.pending, well.json.circuitOpenUntil], ["ok", 0, null]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("deliver() begins with one probe where the target was held when the relay ended", async () => {
  const folder = makeFolder();
  let respond: Respond = status(500);
  const sink = await startSink((...request) => (request[1].path === "/outro" ? status(200) : respond)(...request));
  const config = configTo(sink, 'circuit: { failures: 3, pause: "60s" }');
  let relay = await startRelay(config, { folder: folder.path });
  try {
    for (let number = 0; number < 6; number++) await relay.post(event(number));
    await logged(relay, "holding", 1);
    assert.equal(await relay.end(), 0);
    const held = await statusOf(folder.path);
    assert.match(held.line, /^ {2}alvo +held until [\d:]+ +6 /);
    const before = sentTo(sink).length;

    relay = await startRelay(config, { folder: folder.path });
    await logged(relay, "holding", 1);
    assert.equal(sentTo(sink).length, before + 1, "one probe, at once");
    assert.equal((await statusOf(folder.path)).json.state, "open");
    assert.equal(await relay.end("SIGKILL"), null);

    let answer = () => {};
    respond = (response) => void (answer = () => response.end());
    relay = await startRelay(config, { folder: folder.path });
    await until("the probe", () => sentTo(sink).length > before + 1);
    await sleep(300);
    assert.equal(sentTo(sink).length, before + 2, "nothing beside the probe, which has no answer yet");
    assert.equal((await statusOf(folder.path)).json.state, "open");
    respond = status(200);
    answer();
    await logged(relay, "delivered", 6);
    assert.equal(recordsOf(relay, "resuming").length, 1);
    assert.equal(sentTo(sink).length, before + 7);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("deliver() tries a held target at once after a reload", async () => {
  let isUp = false;
  const sink = await startSink((response) => {
    response.statusCode = isUp ? 200 : 500;
    response.end();
  });
  const relay = await startRelay(configTo(sink, 'circuit: { failures: 1, pause: "60s" }'));
  try {
    await relay.post(event(1));
    await logged(relay, "holding", 1);
    isUp = true;
    process.kill(relay.child.pid!, "SIGHUP");
    await logged(relay, "delivered", 1);
    assert.equal(recordsOf(relay, "resuming").length, 1);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("deliver() never holds a target that has no circuit, nor one whose deliveries are dead or that asks for pauses", async () => {
  const rows: [options: string, code: number, headers: Record<string, string>, attempts: number][] = [
    ["circuit: false", 500, {}, 10],
    ["circuit: { failures: 1 }", 400, {}, 1],
    ["circuit: { failures: 1 }", 429, { "Retry-After": "0" }, 10],
  ];
  for (const [options, code, headers, attempts] of rows) {
    const sink = await startSink((response) => void response.writeHead(code, headers).end());
    const relay = await startRelay(configTo(sink, options));
    try {
      await relay.post(event(1));
      await logged(relay, "dead", 1);
      assert.equal(sentTo(sink).length, attempts, `${code}`);
      assert.equal(recordsOf(relay, "holding").length, 0, `${code}`);
    } finally {
      await relay.close();
      await sink.close();
    }
  }
});

test("deliver() keeps a pause that a target asked for over a restart, and status shows it", async () => {
  const sink = await startSink((response, { path }) =>
    void response.writeHead(path === "/alvo" ? 429 : 200, { "Retry-After": "3600" }).end()
  );
  const folder = makeFolder();
  let relay = await startRelay(configTo(sink, ""), { folder: folder.path });
  try {
    await relay.post(event(1));
    await logged(relay, "failed", 1);
    await relay.end("SIGKILL");
    relay = await startRelay(configTo(sink, ""), { folder: folder.path });
    await relay.post(event(2));
    await until("the other target", () => sink.requests.filter(({ path }) => path === "/outro").length === 2);
    await sleep(200);
    assert.equal(sentTo(sink).length, 1);
    const { line, json } = await statusOf(folder.path);
    assert.match(line, /asked to wait until \d\d:\d\d:\d\d/);
    assert.equal(json.state, "throttled");
    assert.ok(Date.parse(String(json.throttledUntil)) > Date.now() + 3_000_000);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});
