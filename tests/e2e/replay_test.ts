/** `relay replay` of the executable: beside a relay that serves, and without one. */

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

const event = (number: number, type: string) => JSON.stringify({ event: type, data: { note_id: `${number}` } });

const configTo = (sink: Sink, routes = `{ on: "note.*", to: "crm" }`) =>
  configOf({
    targets: ["crm", "novo", "arquivo"].map((name) => `${name}: http({ url: "${sink.url}/${name}" })`).join(", "),
    routes,
  });

/** A relay that has received `note.completed`, `note.failed` and `other`, and delivered the first two. */
async function atWork(work: (relay: RunningRelay, sink: Sink, events: StoredEvent[]) => Promise<void>) {
  const sink = await startSink();
  const relay = await startRelay(configTo(sink));
  try {
    for (const [index, type] of ["note.completed", "note.failed", "other"].entries()) {
      await relay.post(event(index, type));
    }
    await until("two deliveries", () => relay.log().filter(({ attempt }) => attempt === 1).length === 2);
    const { value } = await json(relay.folder, "events");
    await work(relay, sink, value.reverse());
  } finally {
    await relay.close();
    await sink.close();
  }
}

interface StoredEvent {
  id: string;
  type: string;
  deliveries: { id: string; target: string; state: string }[];
}

async function json(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await runRelay([...args, "--json"], { cwd: folder });
  assert.ok(stdout.startsWith("{") || stdout.startsWith("["), stdout + stderr);
  return { code, value: JSON.parse(stdout) };
}

/** What `replay --since` says; its last field, a time, is checked here. */
async function replaySince(folder: string, ...args: string[]) {
  const { code, value: { lastReceivedAt, ...value } } = await json(folder, "replay", "--since", ...args);
  if (value.events > 0) assert.match(lastReceivedAt, /^20\d\d-.*Z$/);
  return { code, value };
}

const done = (parts: Record<string, unknown>) => ({
  code: 0,
  value: { events: 1, deliveries: 1, unrouted: 0, unknown: [], interrupted: false, ...parts },
});

/** Of events that were named by their ids. */
const doneById = (parts: Record<string, unknown>) => done({ lastReceivedAt: null, ...parts });

const deliveriesOf = async (folder: string, id: string): Promise<StoredEvent["deliveries"]> =>
  (await json(folder, "events", id)).value.deliveries;

test("replay sends an event again as a new delivery, and leaves the old one", async () => {
  await atWork(async (relay, sink, [completed]) => {
    const [old] = completed!.deliveries;
    assert.deepEqual(await json(relay.folder, "replay", completed!.id), doneById({}));
    const requests = await sink.received(3);
    const again = requests.at(-1)!;
    assert.equal(again.body.toString(), event(0, "note.completed"));
    assert.equal(again.headers["relay-event-id"], completed!.id);
    assert.notEqual(again.headers["relay-delivery-id"], old!.id);
    assert.equal(again.headers["relay-attempt"], "1");
    await until("it to be recorded", async () => {
      const [first, second] = await deliveriesOf(relay.folder, completed!.id);
      assert.deepEqual(first, (await deliveriesOf(relay.folder, old!.id))[0]);
      return second?.state === "delivered" && second.id === again.headers["relay-delivery-id"];
    });
  });
});

test("replay routes with the current config, and without a relay that serves takes effect when one starts", async () => {
  const sink = await startSink();
  const relay = await startRelay(configTo(sink));
  const { folder } = relay;
  try {
    await relay.post(event(1, "note.completed"));
    await until("a delivery", () => relay.log().some(({ attempt }) => attempt === 1));
    const { value: [{ id }] } = await json(folder, "events");
    await relay.end();
    writeFileSync(join(folder, "relay.config.ts"), configTo(sink, `{ on: "note.*", to: ["novo", "arquivo"] }`));
    const { code, stdout } = await runRelay(["replay", id], { cwd: folder });
    assert.deepEqual([code, stdout], [0, "Replaying 1 event as 2 new deliveries\n"]);
    assert.deepEqual((await deliveriesOf(folder, id)).map(({ target, state }) => `${target} ${state}`), [
      "crm delivered",
      "novo pending",
      "arquivo pending",
    ]);
    assert.equal(sink.requests.length, 1);
    const again = await startRelay(configTo(sink, `{ on: "note.*", to: ["novo", "arquivo"] }`), { folder });
    try {
      await sink.received(3);
    } finally {
      await again.close();
    }
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("replay --to sends an event to one target alone, whether or not a route names it", async () => {
  await atWork(async (relay, sink, [completed, , other]) => {
    assert.deepEqual(
      await json(relay.folder, "replay", completed!.deliveries[0]!.id, other!.id, "--to", "arquivo"),
      doneById({ events: 2, deliveries: 2 }),
    );
    const requests = await sink.received(4);
    assert.deepEqual(requests.slice(2).map(({ path }) => path), ["/arquivo", "/arquivo"]);
  });
});

test("replay --since replays what came in since then, by type", async () => {
  await atWork(async (relay, sink) => {
    const { folder } = relay;
    const typed = await replaySince(folder, "1h", "--type", "note.failed");
    assert.deepEqual(typed, done({}));
    await sink.received(3);
    const all = await replaySince(folder, "2000-01-01");
    assert.deepEqual(all, done({ events: 2, deliveries: 2, unrouted: 1 }));
    await sink.received(5);
    const { code, stdout } = await runRelay(["replay", "--since", "1h", "--to", "novo", "--yes"], { cwd: folder });
    assert.deepEqual([code, stdout], [0, "Replaying 3 events as 3 new deliveries\n"]);
    await sink.received(8);
    assert.equal(sink.requests.filter(({ path }) => path === "/novo").length, 3);
    const none = await replaySince(folder, "0s");
    assert.deepEqual(none, { ...done({ events: 0, deliveries: 0 }), code: 1 });
  });
});

test("replay --since counts no system event, and says where nothing else came in", async () => {
  const sink = await startSink();
  const relay = await startRelay(configTo(sink));
  try {
    const sent = await runRelay(["send", "--to", "crm"], { cwd: relay.folder });
    assert.equal(sent.code, 0, sent.stdout + sent.stderr);
    const replay = () => runRelay(["replay", "--since", "1h"], { cwd: relay.folder });
    const nothing = "Nothing is replayed: no such event has come in\n";
    assert.deepEqual(await replay(), { code: 1, stdout: nothing, stderr: "" });
    await relay.post(event(1, "note.failed"));
    assert.match((await replay()).stdout, /^Replaying 1 event as /);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("replay ends with 1 where nothing is replayed, and says why", async () => {
  await atWork(async ({ folder }, _, [, , other]) => {
    const unrouted = await runRelay(["replay", other!.id], { cwd: folder });
    assert.equal(unrouted.code, 1);
    assert.match(unrouted.stdout, /1 event goes nowhere with the current config; --to names a target\n/);
    const unknown = "018f2b6e-7c00-7000-8000-000000000000";
    assert.deepEqual(await json(folder, "replay", unknown), {
      ...doneById({ events: 0, deliveries: 0, unknown: [unknown] }),
      code: 1,
    });
  });
});

test("replay ends with 2 where it is told too little, too much, or what is not known", async () => {
  await atWork(async ({ folder }, _, [completed]) => {
    const { id } = completed!;
    const wrong: [args: string[], words: RegExp][] = [
      [[], /give an id or --since/],
      [["--since", "1h", id], /--since cannot be used with ids/],
      [[id, "--type", "note.*"], /--type works only with --since/],
      [["--since", "soon"], /soon/],
      [
        [id, "--to", "nova"],
        /there is no target "nova"; the targets are "crm", "novo", and "arquivo"; did you mean "novo"\?/,
      ],
    ];
    for (const [args, words] of wrong) {
      const { code, stdout, stderr } = await runRelay(["replay", ...args], { cwd: folder });
      assert.deepEqual([code, stdout], [2, ""], args.join(" "));
      assert.match(stderr, words);
    }
    assert.equal((await deliveriesOf(folder, id)).length, 1);
  });
});

test("replay --since asks on a terminal, and says what it will do", needsTerminal, async () => {
  await atWork(async (relay, sink) => {
    const terminal = runOnTerminal(["replay", "--since", "1h", "--to", "novo"], { cwd: relay.folder });
    try {
      await terminal.shows(/Replay 3 events since .* America\/Sao_Paulo \(1 hr\. ago\) to novo\? \[y\/N\] /);
      terminal.type("y\r");
      assert.equal(await terminal.exited, 0);
      await sink.received(5);
    } finally {
      await terminal.close();
    }
  });
});

test("replay --since stops at Ctrl-C between two batches, and says where to go on", needsTerminal, async () => {
  const folder = makeFolder();
  const path = join(folder.path, "relay.db");
  try {
    const parts = { targets: `crm: http({ url: "http://127.0.0.1:1" })`, routes: `{ on: "**", to: "crm" }` };
    writeFileSync(join(folder.path, "relay.config.ts"), configOf(parts));
    await seedDead(path, 1_000, "crm");
    const writer = new DatabaseSync(path);
    writer.exec("BEGIN IMMEDIATE"); // the first batch waits for this
    const terminal = runOnTerminal(["replay", "--since", "1h", "--yes"], { cwd: folder.path });
    try {
      await terminal.shows(/replaying: 0 of 1,000 events/);
      terminal.type("\x03");
      await terminal.shows(/stopping/);
      writer.exec("COMMIT");
      assert.equal(await terminal.exited, 130);
      const [, events, since] = /Replaying ([\d,]+) events? as .*, then stopped; go on with --since (20\S+Z)/
        .exec(terminal.output()) ?? [];
      assert.ok(Number(events) < 1_000, terminal.output());
      assert.ok(Date.parse(since!) <= Date.now());
      const { waiting } = writer.prepare("SELECT count(*) AS waiting FROM deliveries WHERE state = 'pending'").get()!;
      assert.equal(waiting, Number(events));
    } finally {
      writer.close();
      await terminal.close();
    }
  } finally {
    folder.remove();
  }
});
