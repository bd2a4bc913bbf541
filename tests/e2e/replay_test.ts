/** `relay replay` of the executable: beside a relay that serves, and without one. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
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

const done = (parts: Record<string, unknown>) => ({
  code: 0,
  value: { events: 1, deliveries: 1, unrouted: 0, unknown: [], interrupted: false, ...parts },
});

const deliveriesOf = async (folder: string, id: string): Promise<StoredEvent["deliveries"]> =>
  (await json(folder, "events", id)).value.deliveries;

test("replay sends an event again as a new delivery, and leaves the old one", async () => {
  await atWork(async (relay, sink, [completed]) => {
    const [old] = completed!.deliveries;
    assert.deepEqual(await json(relay.folder, "replay", completed!.id), done({}));
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

test("replay routes by the config of now, and without a relay that serves takes effect when one starts", async () => {
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
      done({ events: 2, deliveries: 2 }),
    );
    const requests = await sink.received(4);
    assert.deepEqual(requests.slice(2).map(({ path }) => path), ["/arquivo", "/arquivo"]);
  });
});

test("replay --since replays what came in since then, by type", async () => {
  await atWork(async (relay, sink) => {
    const { folder } = relay;
    const typed = await json(folder, "replay", "--since", "1h", "--type", "note.failed", "--yes");
    assert.deepEqual(typed, done({}));
    await sink.received(3);
    const all = await json(folder, "replay", "--since", "2000-01-01", "--yes");
    assert.deepEqual(all, done({ events: 2, deliveries: 2, unrouted: 1 }));
    await sink.received(5);
    const { code, stdout } = await runRelay(["replay", "--since", "1h", "--to", "novo", "--yes"], { cwd: folder });
    assert.deepEqual([code, stdout], [0, "Replaying 3 events as 3 new deliveries\n"]);
    await sink.received(8);
    assert.equal(sink.requests.filter(({ path }) => path === "/novo").length, 3);
    const none = await json(folder, "replay", "--since", "0s", "--yes");
    assert.deepEqual(none, { ...done({ events: 0, deliveries: 0 }), code: 1 });
  });
});

test("replay ends with 1 where nothing is replayed, and says why", async () => {
  await atWork(async ({ folder }, _, [, , other]) => {
    const unrouted = await runRelay(["replay", other!.id], { cwd: folder });
    assert.equal(unrouted.code, 1);
    assert.match(unrouted.stdout, /1 event goes nowhere by the config of now; --to names a target\n/);
    const unknown = "018f2b6e-7c00-7000-8000-000000000000";
    assert.deepEqual(await json(folder, "replay", unknown), {
      ...done({ events: 0, deliveries: 0, unknown: [unknown] }),
      code: 1,
    });
  });
});

test("replay ends with 2 where it is told too little, too much, or what is not known", async () => {
  await atWork(async ({ folder }, _, [completed]) => {
    const { id } = completed!;
    const wrong: [args: string[], words: RegExp][] = [
      [[], /neither an id nor --since/],
      [["--since", "1h", id], /--since goes without ids/],
      [[id, "--type", "note.*"], /--type goes with --since/],
      [["--since", "soon"], /soon/],
      [
        [id, "--to", "nova"],
        /unknown target "nova"; known targets are "crm", "novo", "arquivo"; did you mean "novo"\?/,
      ],
      [["--since", "1h"], /^Cannot ask "Replay 3 events since .*": this is no terminal\n {2}hint: add --yes/],
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
      await terminal.shows(/Replay 3 events since 20\d\d-.* \(1 h ago\) to novo\? \[y\/N\] /);
      terminal.type("y\r");
      assert.equal(await terminal.exited, 0);
      await sink.received(5);
    } finally {
      await terminal.close();
    }
  });
});
