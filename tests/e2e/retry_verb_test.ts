/** `relay retry` of the executable: beside a relay that serves, and without one. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { seedDead } from "../helpers/seed.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { until } from "../helpers/wait.ts";

const event = (number: number, type = "note.failed") => JSON.stringify({ event: type, data: { note_id: `${number}` } });

const configTo = (sink: Sink) =>
  configOf({
    targets: `crm: http({ url: "${sink.url}/crm" }), recusa: http({ url: "${sink.url}/recusa" }),
      demora: http({ url: "${sink.url}/demora", retry: ["1h"] }), morre: http({ url: "${sink.url}/demora", retry: "none" })`,
    routes: `{ on: "note.*", to: ["crm", "recusa", "demora"] }, { on: "late.*", to: "morre" }`,
  });

/** A relay whose targets fail until `mend` is called. */
async function atWork(work: (relay: RunningRelay, sink: Sink, mend: () => void) => Promise<void>) {
  let isMended = false;
  const sink = await startSink((response, { path }) => {
    const failing: Record<string, number> = isMended ? {} : { "/recusa": 422, "/demora": 503 };
    response.writeHead(failing[path] ?? 200).end("ok");
  });
  const relay = await startRelay(configTo(sink));
  try {
    await work(relay, sink, () => isMended = true);
  } finally {
    await relay.close();
    await sink.close();
  }
}

async function json(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await runRelay([...args, "--json"], { cwd: folder });
  assert.ok(stdout.startsWith("{") || stdout.startsWith("["), stdout + stderr);
  return { code, ...{ value: JSON.parse(stdout) } };
}

const attempted = (relay: RunningRelay, count: number) =>
  until(`${count} attempts`, () => relay.log().filter(({ attempt }) => attempt !== undefined).length >= count);

/** Posts an event and gives it as stored, when every target has had its first attempt. */
async function failedEvent(relay: RunningRelay, number = 1) {
  await relay.post(event(number));
  await attempted(relay, 3 * number);
  const { value } = await json(relay.folder, "events", "--limit", "1");
  return value[0];
}

const stateOf = async (folder: string, id: string) =>
  (await json(folder, "events", id)).value.deliveries.map(({ state }: { state: string }) => state);

test("retry gives an event's dead and waiting deliveries new attempts under their ids, and leaves the others", async () => {
  await atWork(async (relay, sink, mend) => {
    const { id, deliveries: [crm, recusa, demora] } = await failedEvent(relay);
    mend();
    const { code, value } = await json(relay.folder, "retry", id);
    assert.equal(code, 0);
    assert.deepEqual(value, {
      retried: 2,
      deliveries: [{ id: recusa.id, target: "recusa" }, { id: demora.id, target: "demora" }],
      untouched: [{ id: crm.id, target: "crm", state: "delivered" }],
      unknown: [],
    });
    await sink.received(5);
    const again = sink.requests.slice(3).map((
      { path, headers },
    ) => [path, headers["relay-delivery-id"], headers["relay-attempt"]]);
    assert.deepEqual(again.sort(), [["/demora", demora.id, "2"], ["/recusa", recusa.id, "2"]]);
    await until(
      "them to be delivered",
      async () => (await stateOf(relay.folder, id)).join() === "delivered,delivered,delivered",
    );
  });
});

test("retry of one delivery leaves the event's others, and says in one sentence what it did", async () => {
  await atWork(async (relay, sink, mend) => {
    const { id, deliveries: [, recusa] } = await failedEvent(relay);
    mend();
    const { code, stdout } = await runRelay(["retry", recusa.id], { cwd: relay.folder });
    assert.deepEqual([code, stdout], [0, `Retrying 1 delivery: recusa (${recusa.id})\n`]);
    await sink.received(4);
    await until(
      "it to be delivered",
      async () => (await stateOf(relay.folder, id)).join() === "delivered,delivered,pending",
    );
  });
});

test("retry without a relay that serves takes effect when one starts", async () => {
  const sink = await startSink((response, _, count) => void response.writeHead(count > 3 ? 200 : 422).end());
  const folder = makeFolder();
  let relay = await startRelay(configTo(sink), { folder: folder.path });
  try {
    const { deliveries } = await failedEvent(relay);
    await relay.end();
    const { code } = await runRelay(["retry", deliveries[1].id], { cwd: folder.path });
    assert.equal(code, 0);
    assert.equal(sink.requests.length, 3);
    relay = await startRelay(configTo(sink), { folder: folder.path });
    const [, , , again] = await sink.received(4);
    assert.equal(again!.headers["relay-delivery-id"], deliveries[1].id);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("retry ends with 1 where nothing is retried, and says what would send the event again", async () => {
  await atWork(async (relay) => {
    const { deliveries: [crm] } = await failedEvent(relay);
    const { code, stdout } = await runRelay(["retry", crm.id], { cwd: relay.folder });
    assert.equal(code, 1);
    assert.equal(
      stdout,
      `Left alone: crm (${crm.id}) is delivered\nNothing is retried; \`relay replay\` sends an event again\n`,
    );
    const unknown = "018f2b6e-7c00-7000-8000-000000000000";
    const none = await json(relay.folder, "retry", unknown);
    assert.deepEqual(none, { code: 1, value: { retried: 0, deliveries: [], untouched: [], unknown: [unknown] } });
    const noId = await runRelay(["retry", "nota-1"], { cwd: relay.folder });
    assert.equal(noId.code, 1);
    assert.match(noId.stderr, /^Cannot use "nota-1" as an id: .*\n {2}hint: `relay events`/);
  });
});

test("retry --dead retries what is dead, by target, reason and time; waiting deliveries stay as they are", async () => {
  await atWork(async (relay, sink, mend) => {
    for (const number of [1, 2]) await failedEvent(relay, number);
    await relay.post(event(3, "late.note"));
    await attempted(relay, 7);
    mend();
    const retry = (...args: string[]) => json(relay.folder, "retry", "--dead", ...args);
    const nothing = { code: 1, value: { retried: 0, interrupted: false } };
    assert.deepEqual(await retry("--target", "crm"), nothing);
    assert.deepEqual(await retry("--target", "recusa", "--reason", "timed_out"), nothing);
    assert.deepEqual(await retry("--since", "0s"), nothing);
    assert.deepEqual(await retry("--reason", "server_failed"), { code: 0, value: { retried: 1, interrupted: false } });
    const text = await runRelay(["retry", "--dead", "--yes", "--since", "1h", "--target", "recusa"], {
      cwd: relay.folder,
    });
    assert.deepEqual([text.code, text.stdout, text.stderr], [0, "Retrying 2 deliveries\n", ""]);
    await sink.received(10);
    assert.deepEqual(await retry(), nothing);
  });
});

test("retry ends with 2 where it is told too little, too much, or what is not known", async () => {
  await atWork(async (relay) => {
    const { id } = await failedEvent(relay);
    const wrong: [args: string[], words: RegExp][] = [
      [[], /give an id or --dead/],
      [["--dead", id], /--dead cannot be used with ids/],
      [[id, "--target", "crm"], /--target, --reason and --since work only with --dead/],
      [["--dead", "--target", "recuza"], /there is no target "recuza".*did you mean "recusa"\?/],
      [["--dead", "--reason", "tired"], /refused/],
    ];
    for (const [args, words] of wrong) {
      const { code, stdout, stderr } = await runRelay(["retry", ...args], { cwd: relay.folder });
      assert.deepEqual([code, stdout], [2, ""], args.join(" "));
      assert.match(stderr, words);
    }
    assert.deepEqual(await stateOf(relay.folder, id), ["delivered", "dead", "pending"]);
  });
});

/** More dead deliveries than one batch takes, in a store that nobody serves. */
const MANY = 3_000;

async function withManyDead(work: (folder: string, deadNow: () => number) => Promise<void>) {
  const folder = makeFolder();
  const path = join(folder.path, "relay.db");
  try {
    const parts = { targets: `crm: http({ url: "http://127.0.0.1:1" })`, routes: `{ on: "**", to: "crm" }` };
    writeFileSync(join(folder.path, "relay.config.ts"), configOf(parts));
    await seedDead(path, MANY, "crm");
    await work(folder.path, () => {
      const db = new DatabaseSync(path);
      try {
        return Number(db.prepare("SELECT count(*) AS count FROM deliveries WHERE state = 'dead'").get()!.count);
      } finally {
        db.close();
      }
    });
  } finally {
    folder.remove();
  }
}

test("retry --dead asks on a terminal, and changes nothing unless the answer is yes", needsTerminal, async () => {
  await withManyDead(async (cwd, deadNow) => {
    for (const answer of ["n\r", "\r", "\x04"]) {
      const terminal = runOnTerminal(["retry", "--dead"], { cwd });
      try {
        await terminal.shows(/Retry 3,000 dead letters \(crm, refused: 3,000\)\? \[y\/N\] /);
        terminal.type(answer);
        assert.equal(await terminal.exited, 1);
        assert.match(terminal.output(), /Nothing was changed\r\n$/);
        assert.equal(deadNow(), MANY);
      } finally {
        await terminal.close();
      }
    }
    const terminal = runOnTerminal(["retry", "--dead"], { cwd });
    try {
      await terminal.shows(/\[y\/N\] /);
      terminal.type("y\r");
      assert.equal(await terminal.exited, 0);
      assert.match(terminal.output(), /Retrying 3,000 deliveries\r\n$/);
      assert.equal(deadNow(), 0);
    } finally {
      await terminal.close();
    }
  });
});

test(
  "retry --dead stops at Ctrl-C between two batches, and goes on with the rest another time",
  needsTerminal,
  async () => {
    await withManyDead(async (cwd, deadNow) => {
      const writer = new DatabaseSync(join(cwd, "relay.db"));
      writer.exec("BEGIN IMMEDIATE"); // the first batch waits for this
      const terminal = runOnTerminal(["retry", "--dead", "--yes"], { cwd });
      try {
        await terminal.shows(/retrying: 0 of 3,000/);
        terminal.type("\x03");
        await terminal.shows(/stopping/);
        writer.exec("COMMIT");
        assert.equal(await terminal.exited, 130);
        const [, text] = /Stopped after retrying ([\d,]+) deliver(?:y|ies)/.exec(terminal.output()) ?? [];
        const retried = Number(text?.replaceAll(",", ""));
        assert.ok(retried < MANY, terminal.output());
        assert.equal(deadNow(), MANY - retried);
      } finally {
        writer.close();
        await terminal.close();
      }
      const rest = await json(cwd, "retry", "--dead", "--yes");
      assert.equal(rest.code, 0);
      assert.equal(deadNow(), 0);
    });
  },
);
