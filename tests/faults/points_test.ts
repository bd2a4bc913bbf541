/** A crash at each step of an event's way: what was acknowledged is delivered, and at once after the next start. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { selfCommand } from "../../lib/runtime.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { hang, type Respond, type Sink, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";
import { Ledger } from "./ledger.ts";
import { accounted, eventOf, post } from "./load.ts";
import { tryAgain } from "./options.ts";
import { recordedIn } from "./recorded.ts";

const program = selfCommand().with(-1, fileURLToPath(new URL("program.ts", import.meta.url)));

/** What has an order key is read for each of its turns; what has none is handed on in memory. */
const ordered = 'order: () => "one",';

/** The steps of five events' way. Two attempts at least are made before a crash at the second one. */
const steps: { point: string; count: number; target?: string }[] = [
  { point: "before accept", count: 1 },
  { point: "after accept", count: 1 },
  { point: "before due", count: 2, target: ordered },
  { point: "after due", count: 2, target: ordered },
  { point: "before deliver", count: 2 },
  { point: "after deliver", count: 2 },
  { point: "before record", count: 1 },
  { point: "after record", count: 1 },
];

for (const { point, count, target } of steps) {
  test(`a crash ${point} loses nothing, and repeats only what was not recorded`, async () => {
    await withTarget(null, async ({ ledger, start, unrecorded }) => {
      let relay = await start(point, count);
      const unanswered = await postAll(relay, ledger, 5);
      await died(relay);
      const cut = unrecorded();
      assert.ok(cut > 0 || !/after deliver|before record/.test(point), `${cut}`);

      relay = await start();
      assert.equal(listening(relay).wasUnclean, true);
      await resend(relay, ledger, unanswered);
      await until("every delivery", () => ledger.outstanding() === 0);
      await settle(relay, ledger);
      assert.deepEqual([ledger.acknowledged, ledger.outstanding(), ledger.repeated()], [6, 0, cut]);
      await allDelivered(relay, 6);
    }, { target });
  });
}

for (
  const point of ["serve", "say", "countCrash", "own", "begin"].flatMap((name) => [`before ${name}`, `after ${name}`])
) {
  test(`a crash ${point}, after a crash in the middle of a delivery, loses nothing`, async () => {
    await withTarget(null, async ({ ledger, start, unrecorded }) => {
      const relay = await start("after deliver", 1);
      const unanswered = await postAll(relay, ledger, 2);
      await died(relay);
      const cut = unrecorded();
      const next = await start(point, 1).catch((error) => assert.match(String(error), /The relay ended with null/));
      if (next) await died(next); // it listened for a moment

      const last = await start();
      assert.equal(listening(last).wasUnclean, true);
      await resend(last, ledger, unanswered);
      await until("every delivery", () => ledger.outstanding() === 0);
      await settle(last, ledger);
      assert.deepEqual([ledger.acknowledged, ledger.outstanding(), ledger.repeated()], [3, 0, cut]);
      await allDelivered(last, 3);
    });
  });
}

for (const point of ["before giveUp", "after giveUp"]) {
  test(`a crash ${point}, while the relay stops, loses nothing`, async () => {
    await withTarget(hang, async ({ ledger, sink, start, answer }) => {
      const relay = await start(point, 1);
      assert.deepEqual(await postAll(relay, ledger, 1), []);
      await sink.received(1);
      await relay.end("SIGTERM");
      await died(relay);

      answer();
      const last = await start();
      assert.equal(listening(last).wasUnclean, true);
      await until("every delivery", () => ledger.outstanding() === 0);
      await settle(last, ledger);
      assert.deepEqual([ledger.acknowledged, ledger.outstanding(), ledger.repeated()], [2, 0, 0]);
    });
  });
}

for (const point of ["before expire", "after expire"]) {
  test(`a crash ${point}, while events wait that are older than they need be kept, loses nothing`, async () => {
    const config = 'keep: { delivered: "1ms", dead: "1ms" },';
    await withTarget(hang, async ({ ledger, sink, start, answer }) => {
      const relay = await start(point, 1);
      assert.deepEqual(await postAll(relay, ledger, 5), []);
      await sink.received(1);
      await died(relay);

      answer();
      const last = await start();
      await until("every delivery", () => ledger.outstanding() === 0);
      await settle(last, ledger);
      assert.deepEqual([ledger.acknowledged, ledger.outstanding(), ledger.repeated()], [6, 0, 0]);
    }, { config });
  });
}

test("a stop that was asked for is no crash", async () => {
  await withTarget(null, async ({ ledger, start }) => {
    const relay = await start();
    await postAll(relay, ledger, 1);
    assert.equal(await relay.end("SIGTERM"), 0);
    assert.equal(listening(await start()).wasUnclean, false);
  });
});

interface Scene {
  ledger: Ledger;
  sink: Sink;
  /** Starts the program in the one folder; it dies at the point. */
  start(point?: string, count?: number): Promise<RunningRelay>;
  /** From now on the target answers. */
  answer(): void;
  /** Counts what the target has taken and the store does not know of. */
  unrecorded(): number;
}

/**
 * A folder, and a target that takes one delivery at a time, so that a crash can cut one alone.
 * @param more What else the config says, and what of the target.
 */
async function withTarget(
  respond: Respond | null,
  use: (scene: Scene) => Promise<void>,
  more: { config?: string; target?: string } = {},
): Promise<void> {
  const folder = makeFolder();
  const ledger = new Ledger(() => ["sistema"]);
  const take = accounted(ledger, "sistema", (response) => void response.end("ok"));
  let behaviour = respond ? accounted(ledger, "sistema", respond, false) : take;
  const sink = await startSink((response, request, count) => behaviour(response, request, count));
  const targets = `sistema: http({ url: "${sink.url}", concurrency: 1, ${more.target ?? ""} ${tryAgain} })`;
  const config = configOf({
    targets,
    routes: `{ on: "**", to: "sistema" }`,
    more: `drain: "50ms", ${more.config ?? ""}`,
  });
  const started: RunningRelay[] = [];
  try {
    await use({
      ledger,
      sink,
      answer: () => void (behaviour = take),
      unrecorded: () => sink.requests.length - recordedIn(join(folder.path, "relay.db")).length,
      async start(...point) {
        const relay = await startRelay(config, { folder: folder.path, command: program, args: point.map(String) });
        started.push(relay);
        return relay;
      },
    });
    assert.deepEqual([ledger.unknown, ledger.changedIds], [0, 0]);
  } finally {
    for (const relay of started) await relay.close();
    await sink.close();
    folder.remove();
  }
}

/** Posts events one after the other, once each, and gives those that got no answer. */
async function postAll(relay: RunningRelay, ledger: Ledger, count: number): Promise<[number: number, body: string][]> {
  const unanswered: [number, string][] = [];
  for (let sent = 0; sent < count; sent++) {
    const number = ledger.post();
    const body = eventOf(number);
    if (await post(`${relay.url}/webhook`, body) === 200) ledger.acknowledge(number);
    else unanswered.push([number, body]);
  }
  return unanswered;
}

async function resend(relay: RunningRelay, ledger: Ledger, events: [number: number, body: string][]): Promise<void> {
  for (const [number, body] of events) {
    assert.equal(await post(`${relay.url}/webhook`, body), 200);
    ledger.acknowledge(number);
  }
}

/** One event more: when it has arrived, all that were due before it have, repeats too. */
async function settle(relay: RunningRelay, ledger: Ledger): Promise<void> {
  assert.deepEqual(await postAll(relay, ledger, 1), []);
  await until("the last delivery", () => ledger.outstanding() === 0);
}

/** Waits until so many deliveries are recorded, none of which any crash is held against. */
async function allDelivered(relay: RunningRelay, count: number): Promise<void> {
  await until("the last record", () => recordedIn(join(relay.folder, "relay.db")).length === count);
}

async function died(relay: RunningRelay): Promise<void> {
  assert.equal(await relay.exited, null, relay.output());
  assert.equal(relay.child.signalCode, "SIGKILL");
}

function listening(relay: RunningRelay): Record<string, unknown> {
  return relay.log().find(({ message }) => message === "listening")!;
}
