/** The executable's log: one line an accepted event and an attempt, with all that is known, and never a payload. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, runRelay, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";

/** Stands in every payload. */
const CLIENT = "Tutora Marina 4711";

const event = (number: number) => `{"event":"note.completed","data":{"note_id":"${number}","client":"${CLIENT}"}}`;

/** What is known of an event or an attempt, without what differs from run to run. */
function factsOf(record: Record<string, unknown>): Record<string, unknown> {
  const { time, message, durationMs, event, delivery, nextAttemptAt, detail, ...facts } = record;
  assert.equal(new Date(String(time)).toISOString(), time);
  assert.ok(String(message).includes(String(event)), String(message));
  assert.ok(Number.isInteger(durationMs), String(message));
  if (facts.state !== undefined) assert.match(String(delivery), /^[0-9a-f-]{36}$/);
  assert.equal(nextAttemptAt !== undefined, facts.state === "pending", String(message));
  assert.equal(detail !== undefined, facts.reason !== undefined, String(message));
  return facts;
}

test("serve logs one line for each event and each attempt, and no payload, whatever comes in or back", async () => {
  const sink = await startSink((response, { path, headers, body }) => {
    const isFirst = headers["relay-attempt"] === "1";
    response.statusCode = path === "/refuses" ? 400 : path === "/later" && isFirst ? 500 : 200;
    response.end(body.length > 0 ? body : CLIENT);
  });
  const relay = await startRelay(
    configOf({
      targets: `
        later: http({ url: "${sink.url}/later", retry: ["10ms"] }),
        refuses: http({ url: "${sink.url}/refuses" }),
        chat: slack({ url: "${sink.url}/chat", retry: "none", text: (e) => e.data.client }),
        program: script({ command: ["./echo.sh"], retry: "none" }),`,
      routes: '{ on: "note.*", to: ["later", "refuses", "chat", "program"] }',
    }),
    { files: { "echo.sh": "#!/bin/sh\ntee /dev/stderr\nexit 3\n" } },
  );
  try {
    for (const body of [event(1), event(1)]) assert.equal((await relay.post(body)).status, 200);
    assert.equal((await relay.post(event(2), { signature: sign(event(1)) })).status, 401);
    assert.equal((await relay.post(`{"client":"${CLIENT}"}`)).status, 400);
    assert.equal((await relay.post(CLIENT, { headers: { "X-Client": CLIENT } })).status, 400);
    const attempts = () => relay.log().filter(({ delivery }) => delivery !== undefined);
    await relay.logged("five attempts", () => attempts().length >= 5);
    assert.equal(await relay.end(), 0);

    const known = { source: "connectvets", type: "note.completed" };
    const bytes = event(1).length;
    const ofRequests = relay.log().filter(({ result }) => result !== undefined);
    assert.deepEqual(ofRequests.map(factsOf), [
      {
        ...known,
        level: "info",
        result: "stored",
        secretIndex: 0,
        bytes,
        targets: ["later", "refuses", "chat", "program"],
        goesTo: "later, refuses, chat, program",
      },
      { ...known, level: "info", result: "duplicate", secretIndex: 0, bytes },
    ]);
    const failed = (target: string, outcome: string, reason: string, status: number) => ({
      ...known,
      level: "error",
      target,
      attempt: 1,
      outcome,
      state: "dead",
      reason,
      status,
    });
    const byTarget = (one: Record<string, unknown>, other: Record<string, unknown>) =>
      `${one.target} ${one.attempt}` < `${other.target} ${other.attempt}` ? -1 : 1;
    assert.deepEqual(attempts().map(factsOf).sort(byTarget), [
      failed("chat", "retry", "unexpected_answer", 200),
      { ...failed("later", "retry", "server_failed", 500), level: "warning", state: "pending" },
      { ...known, level: "info", target: "later", attempt: 2, outcome: "delivered", state: "delivered", status: 200 },
      failed("program", "retry", "script_failed", 3),
      failed("refuses", "dead", "refused", 400),
    ]);
    assert.equal(new Set([...ofRequests, ...attempts()].map((record) => record.event)).size, 1);
    assert.ok(!relay.output().includes(CLIENT), "a payload in the log");
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve --debug logs headers and bodies too, and masks signatures in them", async () => {
  const relay = await startRelay(configOf({ targets: 'a: http({ url: "http://127.0.0.1:1" })', routes: "" }), {
    args: ["--debug"],
  });
  try {
    const forged = `sha256=${"0123456789abcdef".repeat(4)}`;
    assert.equal((await relay.post(event(1))).status, 200);
    assert.equal((await relay.post(event(2), { signature: forged, headers: { "X-Hmac": forged } })).status, 401);
    const debug = await relay.logged(
      "the requests",
      () => relay.log().filter(({ level }) => level === "warning").length > 0,
    )
      .then(() => relay.log().filter(({ level }) => level === "debug"));
    assert.deepEqual(debug.map(({ body }) => body).filter(Boolean), [event(1)], "of genuine requests only");
    const headers = debug.flatMap((record) => record.headers ? [record.headers as Record<string, string>] : []);
    assert.deepEqual(headers.map((one) => one["x-connectvets-signature"]), ["[masked]", "[masked]"]);
    assert.equal(headers[0]!["content-type"], "application/json");
    for (const signature of [sign(event(1)), forged]) {
      assert.ok(!relay.output().includes(signature.slice(7)), "a signature in the log");
    }
  } finally {
    await relay.close();
  }
});

test("serve on a terminal tells every time in the config's time zone", needsTerminal, async () => {
  const folder = makeFolder();
  writeFileSync(
    join(folder.path, "relay.config.ts"),
    configOf({
      port: await freePort(),
      targets: 'fora: http({ url: "http://127.0.0.1:1", retry: ["5s"] })',
      routes: '{ on: "**", to: "fora" }',
      more: 'timeZone: "Asia/Tokyo",',
    }),
  );
  const hour = () => new Date().toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo" }).slice(0, 2);
  const terminal = runOnTerminal(["serve"], { cwd: folder.path, columns: 300 });
  try {
    await terminal.shows(/listening/);
    const before = hour();
    assert.equal((await runRelay(["send"], { cwd: folder.path })).code, 0);
    await terminal.shows(/next at [^\n]*\n/);
    const [, at] = /next at (?:\S+ )?(\d\d):\d\d:\d\d\r?\n/.exec(terminal.output()) ?? [];
    assert.ok([before, hour()].includes(at!), terminal.output());
    assert.doesNotMatch(terminal.output(), /\dT\d\d:/);
  } finally {
    await terminal.close();
    folder.remove();
  }
});
