/** Beginnings of ids, in each verb that takes an id. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

/** Events of one second, whose ids begin alike in more than eight characters, and one of a year before. */
const body = (number: number, timestamp = `2026-01-02T03:04:05.${number}00Z`) =>
  JSON.stringify({ event: "note.failed", timestamp, data: { note_id: `n-${number}` } });
const bodies = [body(1), body(2), body(3, "2025-01-02T03:04:05Z")];

interface Stored {
  id: string;
  noteId: string;
  deliveries: { id: string; target: string }[];
}

/** Asks of each verb what the beginning of an id is enough for. */
async function checkPrefixes(folder: string): Promise<void> {
  const run = (...args: string[]) => runRelay(args, { cwd: folder });
  const json = async (...args: string[]) => {
    const { stdout, stderr } = await run(...args, "--json");
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  };
  const stored = (await json("events")) as Stored[];
  const [one, two, far] = [1, 2, 3].map((number) => stored.find(({ noteId }) => noteId === `n-${number}`)!);
  const alike = [...one!.id].findIndex((character, at) => character !== two!.id[at]);
  assert.ok(alike >= 8, `${one!.id} ${two!.id}`);

  assert.equal((await json("events", far!.id.slice(0, 8))).id, far!.id);
  assert.equal((await json("events", one!.id.replaceAll("-", "").toUpperCase())).id, one!.id);
  assert.equal((await json("events", one!.id.slice(0, alike + 1))).id, one!.id);
  const [delivery] = far!.deliveries;
  assert.equal((await json("events", delivery!.id.slice(0, 24))).id, far!.id, "a delivery's");
  assert.equal((await json("test", "--record", far!.id.slice(0, 10))).event.data.note_id, "n-3");
  const replayed = await json("replay", far!.id.slice(0, 9), far!.id);
  assert.deepEqual([replayed.events, replayed.unknown], [1, []], "each once");
  const retried = await json("retry", far!.id.slice(0, 8));
  assert.deepEqual([retried.unknown, retried.deliveries.length + retried.untouched.length], [[], 2]);

  const verbs = [["events"], ["retry"], ["replay"], ["test", "--record"]];
  for (const verb of verbs) {
    const several = await run(...verb, one!.id.slice(0, alike));
    assert.deepEqual([several.code, several.stdout], [1, ""], verb[0]);
    const [first, hint, ...candidates] = several.stderr.trimEnd().split("\n");
    assert.equal(first, `Cannot choose an id: more than one begins with "${one!.id.slice(0, alike)}"`);
    assert.equal(hint, "  hint: give more of its characters:");
    assert.deepEqual(candidates.map((line) => line.trim().split(/ {2,}/)[0]), [one!.id, two!.id].sort());
    for (const line of candidates) assert.match(line, / {2}note\.failed {2}[\d:]+$/);

    const short = await run(...verb, far!.id.slice(0, 7));
    assert.deepEqual([short.code, short.stdout], [2, ""], verb[0]);
    assert.match(short.stderr, /^Cannot use the id "[0-9a-f]{7}": it has fewer than 8 characters\n {2}hint: /);
    const none = await run(...verb, "ffffffff-f");
    assert.deepEqual([none.code, none.stdout], [1, ""], verb[0]);
    assert.match(none.stderr, /^Cannot find "ffffffff-f": /);
  }
  // What is replayed has two deliveries, whose ids begin alike.
  const two_ = await run("retry", delivery!.id.slice(0, 30));
  assert.equal(two_.code, 1);
  assert.match(two_.stderr, / {2}note\.failed {2}\w+ {2}[\d:]+\n.* {2}note\.failed {2}\w+ {2}[\d:]+\n/);
}

test("events, retry, replay and test --record take the beginning of an id that only one has", async () => {
  const sink = await startSink();
  const relay = await startRelay(
    configOf({ targets: `crm: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "crm" }` }),
  );
  try {
    for (const one of bodies) await relay.post(one);
    await sink.received(3);
    await relay.end();
    await checkPrefixes(relay.folder);
  } finally {
    await relay.close();
    await sink.close();
  }
});
