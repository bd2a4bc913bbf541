/** Writes that come in together share one transaction. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import type { Batch, Epoch, Hold, Written } from "../../lib/store/mod.ts";
import { Writer } from "../../lib/store/writer.ts";
import { HandClock, settle } from "../helpers/clock.ts";
import { type LaneAttempt, newEvent, T0 } from "./samples.ts";

const epoch: Epoch = { lane: "a", number: 1, token: "token" };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** An attempt whose record is told by its number. */
const attempt = (number: number) => ({ attempt: number, ref: { event: number, number: 1 } }) as LaneAttempt;

/** What a batch holds, in short: keys of its events, and lanes with the numbers of attempts. */
const shortOf = ({ accepts, lanes }: Batch) => [
  accepts.map(({ body }) => JSON.parse(new TextDecoder().decode(body)).key),
  ...lanes.map(({ epoch, records }) => [epoch.lane, ...records.map(({ attempt }) => attempt)]),
];

/** A writer on a store that remembers batches, and stores what `work` lets it. */
function start(work: (batch: Batch) => unknown = () => {}) {
  const clock = new HandClock(T0);
  const batches: Batch[] = [];
  const write = async (batch: Batch): Promise<Written> => {
    batches.push(batch);
    await work(batch);
    return {
      accepted: batch.accepts.map((_, index) => index + 1),
      lanes: batch.lanes.map(({ records }) => records.map(({ ref }) => ({ fate: "recorded", head: ref }))),
      released: [],
      outdated: [],
      lost: [],
    };
  };
  const writer = new Writer({ write }, clock);
  const accept = (key: number | string) => writer.accept(newEvent(`${key}`));
  const record = (number: number, of = epoch, hold: Hold = {}) =>
    writer.record({ epoch: of, hold, record: attempt(number) });
  /** Lets time pass from now on, for as long as this takes. */
  const passing = async <Result>(waited: Promise<Result>): Promise<Result> => {
    let isDone = false;
    const done = () => void (isDone = true);
    waited.then(done, done);
    while (!isDone) await clock.run(1);
    return await waited;
  };
  return { clock, batches, shorts: () => batches.map(shortOf), writer, accept, record, passing };
}

test("Writer.accept() writes what comes in one turn of the event loop at once, and gives each its own result", async () => {
  const { shorts, accept, record } = start();
  const records = numbers(3).map((number) => record(number));
  assert.deepEqual(await Promise.all(numbers(64).map(accept)), numbers(64).map((index) => index + 1));
  assert.deepEqual(shorts(), [[numbers(64).map(String), ["a", 0, 1, 2]]]);
  assert.deepEqual((await Promise.all(records)).map((recorded) => recorded?.head?.event), [0, 1, 2]);
});

test("Writer.accept() writes nothing before the turn has ended", async () => {
  const { shorts, accept } = start();
  const first = accept(1);
  assert.deepEqual(shorts(), []);
  await Promise.resolve();
  await Promise.all([first, accept(2)]);
  assert.deepEqual(shorts(), [[["1", "2"]]]);
});

test("Writer gathers what comes in while it writes", async () => {
  const gates: (() => void)[] = [];
  const { clock, shorts, accept, record } = start(() => new Promise<void>((resolve) => gates.push(resolve)));
  const first = accept(1);
  await settle();
  const more = [accept(2), record(3), accept(4)];
  await clock.run(1_000);
  assert.deepEqual(shorts(), [[["1"]]], "one write at a time");
  gates[0]!();
  assert.equal(await first, 1);
  await settle();
  gates[1]!();
  await Promise.all(more);
  assert.deepEqual(shorts(), [[["1"]], [["2", "4"], ["a", 3]]]);
});

test("Writer splits a great many, in their order", async () => {
  const { batches, shorts, accept, record, passing } = start();
  await passing(Promise.all([...numbers(1_200).map(accept), ...numbers(700).map((number) => record(number))]));
  assert.deepEqual(batches.map(({ accepts, lanes }) => [accepts.length, lanes[0]?.records.length ?? 0]), [
    [512, 512],
    [512, 188],
    [176, 0],
  ]);
  assert.deepEqual(shorts().flatMap(([keys]) => keys), numbers(1_200).map(String));
});

test("Writer splits what has large bodies sooner, and one that is larger still goes whole", async () => {
  const { batches, writer, passing } = start();
  const mebibytes = [5, 5, 5, 5, 5, 40, 1];
  const accepts = mebibytes.map((size, key) =>
    writer.accept(newEvent(`${key}`, [], { body: new Uint8Array(size * 1024 ** 2) }))
  );
  await passing(Promise.all(accepts));
  assert.deepEqual(batches.map(({ accepts }) => accepts.map(({ body }) => body.byteLength / 1024 ** 2)), [
    [5, 5, 5, 5],
    [5, 40],
    [1],
  ]);
});

test("Writer.accept() lets what comes right after a flush of the disk share the next one", async () => {
  const { clock, shorts, accept } = start();
  await accept(1);
  const more = [accept(2)];
  await settle();
  assert.equal(shorts().length, 1);
  more.push(accept(3));
  await clock.run(2);
  await Promise.all(more);
  assert.deepEqual(shorts(), [[["1"]], [["2", "3"]]]);
  await clock.run(2);
  await accept(4);
  assert.equal(shorts().length, 3, "later, at once");
});

test("Writer.record() waits for what is accepted, and goes along with that", async () => {
  const { clock, shorts, accept, record } = start();
  const recorded = record(1);
  await clock.run(4);
  assert.deepEqual(shorts(), [], "the disk is not flushed for it");
  await Promise.all([accept(2), recorded]);
  assert.deepEqual(shorts(), [[["2"], ["a", 1]]]);
});

test("Writer.record() writes by itself after a moment where nothing is accepted", async () => {
  const { clock, shorts, record } = start();
  const recorded = [record(1), record(2)];
  await clock.run(5);
  await Promise.all(recorded);
  assert.deepEqual(shorts(), [[[], ["a", 1, 2]]]);
  const more = record(3);
  await clock.run(4);
  assert.equal(shorts().length, 1);
  await clock.run(1);
  await more;
  assert.deepEqual(shorts()[1], [[], ["a", 3]]);
});

test("Writer.record() groups by epoch, in its order, and says of each lane how it is held last", async () => {
  const { batches, writer, record, passing } = start();
  const other = { ...epoch, lane: "b" };
  const results = [
    record(1, epoch, { openUntil: 1 }),
    record(2, other, { openUntil: 2 }),
    record(3, epoch, { openUntil: 3 }),
    writer.record({ epoch, hold: { throttledUntil: 4 }, startsKeptMs: 60_000 }),
    record(5, other, {}),
  ];
  const heads = (await passing(Promise.all(results))).map((recorded) => recorded?.head?.event);
  assert.deepEqual(heads, [1, 2, 3, undefined, 5]);
  assert.deepEqual(
    batches[0]!.lanes.map((
      { hold, startsKeptMs, ...lane },
    ) => [shortOf({ accepts: [], lanes: [{ ...lane, hold }] })[1], hold, startsKeptMs]),
    [
      [["a", 1, 3], { throttledUntil: 4 }, 60_000],
      [["b", 2, 5], {}, undefined],
    ],
  );
});

test("Writer keeps apart two epochs of one lane", async () => {
  const { shorts, record, passing } = start();
  await passing(Promise.all([record(1), record(2, { ...epoch, number: 2 })]));
  assert.deepEqual(shorts(), [[[], ["a", 1], ["a", 2]]]);
});

test("Writer lets one at fault fail no other", async () => {
  const { accept, record, passing } = start(({ accepts, lanes }) => {
    const keys = shortOf({ accepts, lanes })[0] as string[];
    if (keys.includes("bad")) throw new StoreError("a delivery cannot be written");
    if (lanes.some(({ records }) => records.some(({ attempt }) => attempt === 7))) throw new Error("boom");
  });
  const results = await passing(
    Promise.allSettled<unknown>([accept(1), accept("bad"), record(6), accept(2), record(7), record(8)]),
  );
  assert.deepEqual(
    results.map((result) => result.status === "rejected" ? (result.reason as Error).message : "done"),
    ["done", "a delivery cannot be written", "done", "done", "boom", "done"],
  );
  assert.equal(await passing(accept(3)), 1, "and goes on");
});

test("Writer fails all at once where the store writes nothing", async () => {
  let isHeld = true;
  const { batches, accept, record, passing } = start(() => {
    if (isHeld) throw Object.assign(new StoreError("the database is locked"), { isHeld });
  });
  const results = await passing(Promise.allSettled<unknown>([...numbers(100).map(accept), record(1)]));
  assert.ok(results.every(({ status }) => status === "rejected"));
  assert.equal(batches.length, 1, "each would wait as long as all of them");
  isHeld = false;
  assert.equal(await passing(accept(3)), 1);
});

test("Writer.refusedBytes tells how much room was wanted, until there is some", async () => {
  let isFull = true;
  const { writer, accept, record, passing } = start(() => {
    if (isFull) throw new StoreError("the disk is full");
  });
  assert.equal(writer.refusedBytes, 0);
  await assert.rejects(passing(record(1)));
  assert.equal(writer.refusedBytes, 0, "a record asks nobody for room");
  await assert.rejects(passing(accept(1)));
  const { refusedBytes } = writer;
  assert.ok(refusedBytes > newEvent("1").body.byteLength);
  await assert.rejects(passing(writer.accept(newEvent("2", [], { body: new Uint8Array(1_000_000) }))));
  assert.ok(writer.refusedBytes >= refusedBytes + 900_000);
  isFull = false;
  await passing(record(2));
  assert.ok(writer.refusedBytes > 0, "which no record says");
  await passing(accept(3));
  assert.equal(writer.refusedBytes, 0);
});

test("Writer.onReleased() tells of lanes whose deliveries were let go, after their records", async () => {
  const clock = new HandClock(T0);
  const told: unknown[] = [];
  const written: Written = {
    accepted: [],
    lanes: [[{ fate: "recorded" }]],
    released: ["b", "c"],
    outdated: [],
    lost: [],
  };
  const writer = new Writer({ write: async () => written }, clock);
  writer.onReleased = (lanes) => told.push(lanes);
  const recorded = writer.record({ epoch, hold: {}, record: attempt(1) });
  await clock.run(5);
  assert.deepEqual([await recorded, told], [{ fate: "recorded" }, [["b", "c"]]]);
});

test("Writer forgets nothing, whatever comes in which order", async () => {
  const clock = new HandClock(T0, 7);
  const { batches, accept, record, passing } = start(async (batch) => {
    if (batch.accepts.length % 3) await new Promise((resolve) => setImmediate(resolve));
  });
  const results: Promise<unknown>[] = [];
  for (const number of numbers(300)) {
    results.push(clock.random() < 0.5 ? accept(number) : record(number));
    if (clock.random() < 0.2) await settle();
  }
  const settled = await passing(Promise.all(results));
  assert.equal(settled.length, 300);
  const seen = batches.flatMap(({ accepts, lanes }) => [
    ...shortOf({ accepts, lanes: [] })[0]!.map(Number),
    ...lanes.flatMap(({ records }) => records.map(({ attempt }) => attempt)),
  ]);
  assert.deepEqual(seen.sort((one, other) => one - other), numbers(300));
});
