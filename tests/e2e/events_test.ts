/** `relay events` and `relay events ID` of the executable: beside a relay that serves, and after it has stopped. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, executable, type RunningRelay, runRelay, SECRET, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { until } from "../helpers/wait.ts";

const event = (type: string, note: string) => JSON.stringify({ event: type, data: { note_id: note } });

const COMPLETED = event("note.completed", "nota-1");
const FAILED = event("note.failed", "nota-2");
const OTHER = event("other", "nota-3");

const configTo = (sink: Sink) =>
  configOf({
    targets: `crm: http({ url: "${sink.url}/crm" }),
      recusa: http({ url: "${sink.url}/recusa" }),
      fora: http({ url: "http://127.0.0.1:1", retry: ["1h"] })`,
    routes:
      `{ on: "note.*", to: "crm" }, { on: "note.failed", to: ["recusa", "fora"], when: (e) => e.data.note_id !== "" }`,
  });

/** A relay that has received three events, and done with each what it can do at once. */
async function atWork(work: (relay: RunningRelay, sink: Sink) => Promise<void>) {
  const sink = await startSink((response, { path }) => {
    response.writeHead(path === "/recusa" ? 422 : 200).end(path === "/recusa" ? "no such\x1b[2J note" : "ok");
  });
  const relay = await startRelay(configTo(sink));
  try {
    for (const body of [COMPLETED, FAILED, OTHER]) await relay.post(body);
    await until("four attempts", () => relay.log().filter(({ attempt }) => attempt === 1).length === 4);
    await work(relay, sink);
  } finally {
    await relay.close();
    await sink.close();
  }
}

async function jsonOf(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await runRelay(["events", ...args, "--json"], { cwd: folder });
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout);
}

const typesOf = async (folder: string, ...args: string[]) =>
  (await jsonOf(folder, ...args)).map(({ type }: { type: string }) => type);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test("events gives events as JSON, newest first, the same beside a relay that serves and after it", async () => {
  await atWork(async (relay) => {
    const beside = await jsonOf(relay.folder);
    for (const { id, receivedAt, deliveries } of beside) {
      assert.match(id, UUID);
      assert.match(receivedAt, TIME);
      for (const delivery of deliveries) assert.match(delivery.id, UUID);
    }
    const [other, failed, completed] = beside;
    const source = "connectvets";
    assert.deepEqual(other, {
      id: other.id,
      source,
      type: "other",
      state: "unrouted",
      receivedAt: other.receivedAt,
      deliveries: [],
      noteId: "nota-3",
      externalId: null,
      problems: [],
    });
    const [crm, recusa, fora] = failed.deliveries;
    assert.ok(Date.parse(fora.nextAttemptAt) > Date.now());
    assert.deepEqual(failed, {
      id: failed.id,
      source,
      type: "note.failed",
      state: "accepted",
      receivedAt: failed.receivedAt,
      deliveries: [
        {
          id: crm.id,
          target: "crm",
          state: "delivered",
          attempts: 1,
          reason: null,
          nextAttemptAt: null,
          receipt: null,
          chain: null,
        },
        {
          id: recusa.id,
          target: "recusa",
          state: "dead",
          attempts: 1,
          reason: "refused",
          nextAttemptAt: null,
          receipt: null,
          chain: null,
        },
        {
          id: fora.id,
          target: "fora",
          state: "pending",
          attempts: 1,
          reason: "connection_refused",
          nextAttemptAt: fora.nextAttemptAt,
          receipt: null,
          chain: null,
        },
      ],
      noteId: "nota-2",
      externalId: null,
      problems: [],
    });
    assert.deepEqual([completed.type, completed.deliveries.length], ["note.completed", 1]);
    await relay.end();
    assert.deepEqual(await jsonOf(relay.folder), beside);
  });
});

test("events filters by type, state, target, time and text, and gives no more than --limit", async () => {
  await atWork(async ({ folder }) => {
    const expected: [args: string[], types: string[]][] = [
      [["--type", "note.*"], ["note.failed", "note.completed"]],
      [["--type", "note.failed"], ["note.failed"]],
      [["--type", "**"], ["other", "note.failed", "note.completed"]],
      [["--state", "unrouted"], ["other"]],
      [["--state", "accepted"], ["note.failed", "note.completed"]],
      [["--state", "delivered"], ["note.failed", "note.completed"]],
      [["--state", "dead"], ["note.failed"]],
      [["--state", "in_flight"], []],
      [["--target", "fora"], ["note.failed"]],
      [["--target", "crm", "--state", "dead"], []],
      [["--since", "1h"], ["other", "note.failed", "note.completed"]],
      [["--since", "0s"], []],
      [["--text", "nota-1"], ["note.completed"]],
      [["--text", "nota-", "--type", "note.*", "--limit", "1"], ["note.failed"]],
      [["--limit", "2"], ["other", "note.failed"]],
    ];
    for (const [args, types] of expected) assert.deepEqual(await typesOf(folder, ...args), types, args.join(" "));
  });
});

test("events shows time, id, type and deliveries; and says so where nothing fits", async () => {
  await atWork(async ({ folder }) => {
    const { code, stdout } = await runRelay(["events", "--limit", "2"], { cwd: folder });
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, " | "));
    assert.match(lines[0]!, /^Received \| Id \| Type \| Deliveries$/);
    assert.match(lines[1]!, /^\d\d:\d\d:\d\d \| \d+ sec\. ago \| [0-9a-f-]{36} \| other \| unrouted$/);
    assert.match(lines[2]!, /\| note\.failed \| ✓ crm \| ✗ recusa: refused \| … fora: connection refused$/);
    assert.deepEqual(lines.slice(3), [
      "the last 2; --limit shows more",
      "Times are in the time zone America/Sao_Paulo",
    ]);
    const none = await runRelay(["events", "--text", "nowhere"], { cwd: folder });
    assert.deepEqual([none.code, none.stdout], [0, "No event matches\n"]);
    const underway = await runRelay(["events", "--state", "in_flight"], { cwd: folder });
    assert.match(underway.stdout, /Only the running relay knows what is being sent/);
  });
});

test("events ends with 2 and names what is known where a filter is wrong", async () => {
  await atWork(async ({ folder }) => {
    const wrong: [args: string[], words: RegExp][] = [
      [["--state", "ded"], /accepted, unrouted, pending, in_flight, delivered, dead/],
      [["--since", "yesterday"], /yesterday/],
      [
        ["--target", "cmr"],
        /there is no target "cmr"; the targets are "crm", "recusa", and "fora"; did you mean "crm"\?/,
      ],
      [["--limit", "0"], /whole number/],
      [["--colour"], /unknown option/],
    ];
    for (const [args, words] of wrong) {
      const { code, stderr } = await runRelay(["events", ...args], { cwd: folder });
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, words);
    }
  });
});

test("verbs on stored data say what to do where there is no store yet, and make none", async () => {
  const folder = makeFolder();
  try {
    const parts = { targets: `crm: http({ url: "http://127.0.0.1:1" })`, routes: `{ on: "**", to: "crm" }` };
    writeFileSync(join(folder.path, "relay.config.ts"), configOf(parts));
    const verbs = [["events"], ["retry", "--dead"], ["replay", "--since", "1h"], ["pause", "crm"], ["resume", "crm"]];
    for (const verb of verbs) {
      const { code, stderr } = await runRelay(verb, { cwd: folder.path });
      assert.equal(code, 1, verb.join(" "));
      assert.match(stderr, /^Cannot read the store .*: there is none yet\n {2}hint: start `relay serve`\n$/);
    }
    assert.deepEqual(readdirSync(folder.path), ["relay.config.ts"]);
  } finally {
    folder.remove();
  }
});

test("events can be piped into what reads a part of it", async () => {
  await atWork(async ({ folder }) => {
    for (const verb of ["events", "events --json", "status"]) {
      const command = `{ "${executable}" ${verb}; echo "exit $?" >&2; } | true`;
      const { stderr } = spawnSync("sh", ["-c", command], { cwd: folder, env: { PATH: process.env.PATH } });
      assert.equal(String(stderr), "exit 0\n", verb);
    }
  });
});

test("events ID tells an event's whole story as JSON, by the event's id and by a delivery's", async () => {
  await atWork(async (relay) => {
    const [listed] = await jsonOf(relay.folder, "--type", "note.failed");
    const story = await jsonOf(relay.folder, listed.id);
    const { headers, secret, routing, payload, note, deliveries, ...rest } = story;
    const { deliveries: shown, ...event } = listed;
    assert.deepEqual(rest, event);
    assert.deepEqual(headers, { "content-type": "application/json", "x-connectvets-signature": "[masked]" });
    assert.equal(note, null);
    assert.deepEqual(secret, { number: 1, of: 1 });
    assert.deepEqual(routing, {
      targets: ["crm", "recusa", "fora"],
      chains: [],
      isFallback: false,
      routes: [
        { on: ["note.*"], to: ["crm"], chains: [], verdict: "matched" },
        { on: ["note.failed"], to: ["recusa", "fora"], chains: [], verdict: "matched" },
      ],
      problems: [],
    });
    assert.deepEqual(payload, JSON.parse(FAILED));
    const withoutHistory = deliveries.map((
      { history: _, held: __, attemptsLeft: ___, receipts: ____, ...delivery }: Record<string, unknown>,
    ) => delivery);
    assert.deepEqual(deliveries.map(({ attemptsLeft }: { attemptsLeft: unknown }) => attemptsLeft), [null, null, 1]);
    assert.deepEqual(withoutHistory, shown);
    assert.deepEqual(deliveries.map(({ receipts }: { receipts: unknown }) => receipts), [[], [], []]);
    const [attempt] = deliveries[1].history;
    assert.match(attempt.startedAt, TIME);
    assert.ok(attempt.durationMs >= 0);
    assert.deepEqual(attempt, {
      attempt: 1,
      startedAt: attempt.startedAt,
      durationMs: attempt.durationMs,
      outcome: "dead",
      reason: "refused",
      detail: attempt.detail,
      status: 422,
      answer: "no such\x1b[2J note",
    });
    assert.deepEqual(await jsonOf(relay.folder, deliveries[2].id), story);
    await relay.end();
    assert.deepEqual(await jsonOf(relay.folder, listed.id.toUpperCase()), story);
  });
});

test("events ID shows what came in, each route and why, each attempt, and what comes next", async () => {
  await atWork(async ({ folder }) => {
    const [{ id }] = await jsonOf(folder, "--type", "note.failed");
    const { code, stdout } = await runRelay(["events", id], { cwd: folder });
    assert.equal(code, 0);
    const expected = [
      /^note\.failed {2}[0-9a-f-]{36}\n/,
      /^Received on .* \(\d+ sec\. ago\) from connectvets; the signature is valid \(secret 1 of 1\)\.$/m,
      /^It went to crm, recusa, and fora, because routes\[0\] \(note\.\*\) and routes\[1\] \(note\.failed\) match\.$/m,
      /^Delivered to crm \d+ sec\. ago \([\d:]+\), on attempt 1\.$/m,
      /^Delivery to recusa: attempt 1 failed \d+ sec\. ago \([\d:]+\): refused\. The target refused .* `relay retry [0-9a-f-]{36}`\.$/m,
      /^Delivery to fora: attempt 1 failed .*: connection refused\. The next attempt is in \d+ (min|hr)\. \([\d:]+\); if it fails, the delivery becomes a dead letter\.$/m,
      /^ {2}Received +.*\(\d+ sec\. ago\)\n {2}Source +connectvets\n {2}State +accepted\n {2}Note +nota-2$/m,
      /x-connectvets-signature +\[masked\]/,
      /\n {2}\{\n {4}"event": "note\.failed",\n/,
      /yes +routes\[0\] +note\.\* → crm +matches/,
      /crm {2}[0-9a-f-]{36} {2}delivered\n +1 {2}\d\d:\d\d:\d\d {2}\d+\sms {2}delivered {2}200/,
      /recusa {2}[0-9a-f-]{36} {2}dead\n.* refused {2}422 .*\n +│ no such\\x1b\[2J note\n/,
      /fora {2}[0-9a-f-]{36} {2}waiting\n/,
    ];
    for (const pattern of expected) assert.match(stdout, pattern);
    assert.doesNotMatch(stdout, /whs_|sha256=/);
    const [other] = await jsonOf(folder, "--type", "other");
    const unrouted = await runRelay(["events", other.id], { cwd: folder });
    assert.match(unrouted.stdout, /no +routes\[0\] +note\.\* → crm +is for other events/);
    assert.match(unrouted.stdout, /^It went nowhere: no route matches, and there is no fallback\.\n`relay replay /m);
    assert.match(unrouted.stdout, /Deliveries\n {2}none\n/);
  });
});

test("events ID keeps numbers that JavaScript cannot hold as they were written", async () => {
  await atWork(async (relay) => {
    await relay.post('{"event":"other","data":{"note_id":12345678901234567890}}');
    const [{ id }] = await jsonOf(relay.folder, "--limit", "1");
    for (const args of [[id], [id, "--json"]]) {
      const { stdout } = await runRelay(["events", ...args], { cwd: relay.folder });
      assert.match(stdout, /"note_id": 12345678901234567890\n/);
    }
  });
});

test("events ID ends with 1 where there is no such event", async () => {
  await atWork(async ({ folder }) => {
    const wrong: [id: string, words: RegExp][] = [
      ["018f2b6e-7c00-7000-8000-000000000000", /^Cannot show ".*": no event and no delivery has this id\n {2}hint: /],
      ["018f2b6e-7c00-7800-8000-000000000001", /^Cannot show ".*": no event and no delivery has this id\n {2}hint: /],
      ["018f2b6e", /^Cannot find "018f2b6e": no event and no delivery has an id that begins like this\n {2}hint: /],
      ["nota\x1b[2J", /^Cannot use ".*" as an id: /],
    ];
    for (const [id, words] of wrong) {
      const { code, stdout, stderr } = await runRelay(["events", id], { cwd: folder });
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, words);
      assert.ok(!stderr.includes("\x1b"));
    }
  });
});

test("events lets nothing that came in command a terminal, and cuts a huge payload short", async () => {
  const hostile = JSON.stringify({
    event: "note.\x1b[2J\x07\x9b31m\u202e",
    data: { note_id: "\x1b]0;title\x07\x9c", text: "x".repeat(100_000) },
  });
  await atWork(async (relay) => {
    await relay.post(hostile);
    const [{ id }] = await jsonOf(relay.folder, "--limit", "1");
    for (const args of [[], ["--json"], [id], [id, "--json"]]) {
      const { code, stdout } = await runRelay(["events", ...args], { cwd: relay.folder });
      assert.equal(code, 0);
      assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Bidi_Control}]/u, args.join(" "));
      assert.ok(stdout.includes("\\u202e"), args.join(" "));
      if (args[0] === id && args.length === 1) assert.ok(stdout.length < 40_000, `${stdout.length}`);
    }
    assert.equal((await jsonOf(relay.folder, id)).payload.data.text.length, 100_000);
  });
});

test("events ID says what holds a delivery that waits, beyond its time", async () => {
  const target = (name: string, more = "") => `${name}: http({ url: "http://127.0.0.1:1", retry: ["1s"], ${more} })`;
  const targets = [target("crm"), target("fora", 'circuit: { failures: 1, pause: "1h" }'), target("livre")];
  const parts = (targets: string[], to: string) =>
    configOf({ targets: targets.join(), routes: `{ on: "**", to: ${to} }` });
  const relay = await startRelay(parts([...targets, target("velho")], `["crm", "fora", "livre", "velho"]`));
  const { folder } = relay;
  try {
    for (const name of ["crm", "velho"]) await runRelay(["pause", name], { cwd: folder });
    await relay.post(COMPLETED);
    for (const name of ["fora", "livre"]) {
      await relay.logged(`a failure of ${name}`, ({ target, attempt }) => target === name && attempt !== undefined);
    }
    await relay.end();
    writeFileSync(join(folder, "relay.config.ts"), parts(targets, `"crm"`));

    const [{ id }] = await jsonOf(folder);
    const { deliveries } = await jsonOf(folder, id);
    const held = Object.fromEntries(deliveries.map((one: { target: string; held: unknown }) => [one.target, one.held]));
    assert.deepEqual(held, {
      crm: { state: "paused", until: null },
      fora: { state: "open", until: held.fora.until },
      livre: null,
      velho: { state: "orphaned", until: null },
    });
    assert.match(held.fora.until, TIME);
    const { stdout } = await runRelay(["events", id], { cwd: folder });
    assert.match(
      stdout,
      /^It went to crm, fora, livre, and velho\.\nWith the current config it would go to crm, because /m,
    );
    assert.match(
      stdout,
      // Whether it was tried is chance: a relay takes up to half a second to see that a target is paused.
      /^Delivery to crm: .*\. The target is paused: the delivery continues after `relay resume crm`\.$/m,
    );
    assert.match(stdout, /^Delivery to fora: .* held after several failures in a row, and is tested in 59 min\. \(/m);
    assert.match(
      stdout,
      /^Delivery to velho: .*The config does not have this target; the delivery waits until it does\.$/m,
    );
    assert.match(stdout, /^No relay is running, so nothing is delivered until one starts: `relay serve`\.$/m);
  } finally {
    await relay.close();
  }
});

test("events shows no secret that an event quotes", async () => {
  await atWork(async (relay) => {
    await relay.post(JSON.stringify({ event: `quoted.${SECRET}`, data: { note_id: SECRET, external_id: SECRET } }));
    for (const args of [[], ["--json"]]) {
      const { stdout } = await runRelay(["events", ...args], { cwd: relay.folder });
      assert.ok(stdout.includes("quoted.[secret]") && !stdout.includes(SECRET), stdout);
    }
  });
});

test("events has colours on a terminal, unless NO_COLOR is set, and fits its width", needsTerminal, async () => {
  await atWork(async ({ folder }) => {
    const shown = async (columns: number, env: Record<string, string> = {}) => {
      const terminal = runOnTerminal(["events"], { cwd: folder, columns, env });
      try {
        assert.equal(await terminal.exited, 0);
        return terminal.output();
      } finally {
        await terminal.close();
      }
    };
    const wide = await shown(160);
    assert.match(wide, /\p{Cc}\[32m✓ crm/u);
    assert.match(wide, /sec\. ago[^]*fora[^]*: connection refused/);
    const plain = await shown(160, { NO_COLOR: "1" });
    assert.equal(plain, stripVTControlCharacters(plain));

    const narrow = stripVTControlCharacters(await shown(80));
    for (const line of narrow.split("\r\n")) assert.ok([...line].length <= 80, line);
    const [, prefix] = / ([0-9a-f-]{8,20}) {2}note\.failed\r\n/.exec(narrow) ?? [];
    assert.match(narrow, /✗ recusa: refused[^]*… fora: connection refused/, "states and reasons stay whole");
    assert.doesNotMatch(narrow, / ago/);
    assert.equal((await jsonOf(folder, prefix!)).type, "note.failed", "what is shown of an id is enough");
  });
});
