/** Several relays on one database: none waits for another for ever, and what one writes the others find. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { deliveryId, formatId } from "../../lib/id.ts";
import { Told } from "../../lib/locale/told.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { inSchema, quotedName } from "../../lib/store/postgres/sql_text.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { HandClock } from "../helpers/clock.ts";
import type { Database } from "../helpers/postgres/database.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { accept, dueIn, epochOf, newEvent, record, recordOf, statesOf, T0, takeOver, turnIn } from "./samples.ts";

const NOW = T0 + 86_400_000;
const NOTES = "relay::notes";

interface Bench {
  one: Store;
  other: Store;
  clock: HandClock;
  /** Runs a statement in the schema of both. */
  sql: Database["query"];
}

/** A test with two relays that are called so. */
function testIn(name: string, work: (bench: Bench) => Promise<void>): void {
  test(name, async () => {
    const server = await sharedPostgres();
    const url = server.url({ freshSchema: true });
    const schema = quotedName(parsePostgresUrl(url).schema);
    const clock = new HandClock(NOW);
    const [one, other] = ["one", "other"].map((member) => openPostgres(url, systemClock, { time: clock, member }));
    const sql: Database["query"] = (text) => server.query(inSchema(text, schema));
    try {
      await work({ one: one!, other: other!, clock, sql });
    } finally {
      await one!.close();
      await other!.close();
      await sql(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    }
  });
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

testIn(
  "write() of the same events by two relays at once stores each once, in whatever order they come",
  async (bench) => {
    const { one, other, sql } = bench;
    for (const round of numbers(15)) {
      const events = numbers(60).map((key) => newEvent(`${round} ${key}`));
      const [mine, theirs] = await Promise.all([
        one.write({ accepts: events, lanes: [] }),
        other.write({ accepts: events.toReversed(), lanes: [] }),
      ]);
      const seqs = events.map((_, index) => [mine.accepted[index], theirs.accepted.toReversed()[index]]);
      assert.ok(seqs.every((pair) => pair.filter((seq) => seq !== undefined).length === 1), "by one of them");
    }
    const rows = await sql<{ count: string }>("SELECT count(*) FROM relay.deliveries");
    assert.equal(Number(rows[0]!.count), 15 * 60);
    const [odd] = await sql(
      "SELECT 1 FROM relay.deliveries d LEFT JOIN relay.events e ON e.seq = d.event WHERE e.seq IS NULL",
    );
    assert.equal(odd, undefined);
  },
);

testIn("write() gives sequences in the order of arrival, and draws none for what is there", async ({ one, other }) => {
  const events = numbers(9).map((key) => newEvent(`${key}`, [], { receivedAt: T0 - key }));
  const { accepted } = await one.write({ accepts: [...events.slice(0, 4), ...events.slice(0, 6)], lanes: [] });
  assert.deepEqual(accepted, [1, 2, 3, 4, undefined, undefined, undefined, undefined, 5, 6]);
  assert.deepEqual((await other.write({ accepts: events.toReversed(), lanes: [] })).accepted.slice(0, 4), [
    7,
    8,
    9,
    undefined,
  ]);
});

testIn(
  "write() again, when the answer to the first was lost, tells what became of all of it",
  async ({ one, other }) => {
    await accept(one, newEvent("1"), newEvent("2", ["a:rex"]), newEvent("3", ["a:rex"]));
    const { due: [first, second] } = await dueIn(one);
    const { epoch } = await takeOver(one);
    const records = [recordOf(first!, "delivered"), recordOf(second!, "dead")];
    const batch = { accepts: [newEvent("4"), newEvent("1")], lanes: [{ epoch, hold: {}, records }] };
    assert.deepEqual((await one.write(batch)).lanes[0]!.map(({ fate }) => fate), ["recorded", "recorded"]);
    const again = await other.write(batch);
    assert.deepEqual(again.accepted, [undefined, undefined]);
    const head = { event: 3, number: 1 };
    assert.deepEqual(again.lanes, [[{ fate: "known", head: undefined }, { fate: "known", head }]]);
    assert.deepEqual(await statesOf(one, newEvent("2")), [["dead", 1, "server_failed", null]]);
  },
);

testIn("write() records a great many at once as it does one after the other", async ({ one, other, sql }) => {
  const events = numbers(200).map((key) => newEvent(`${key}`, [key % 3 === 0 ? `a:${key % 7}` : "a", "b"]));
  await accept(one, ...events);
  await one.lanes.park(await epochOf(one, "a"), numbers(7).map(String));
  const states = ["delivered", "dead", "pending", "delivered"] as const;
  const dues = [...(await dueIn(one, "a", [], 500)).due, ...(await dueIn(one, "b", [], 500)).due];
  const records = dues.map((due, index) =>
    recordOf(due, states[index % 4]!, { durationMs: index, startedAt: T0 + index })
  );
  // Some are changed meanwhile, some known, some doubled, and one is gone.
  await other.retry(dues.slice(3, 9).map(({ ref }) => ref), NOW);
  await record(one, records.slice(20, 25));
  await sql(`DELETE FROM relay.deliveries WHERE event = ${dues[40]!.ref.event} AND number = ${dues[40]!.ref.number}`);
  const twice = records.slice(50, 53).map((one) => ({ ...one, startedAt: one.startedAt + 7 }));
  const fates = (await record(one, [...records, ...twice])).map(({ fate }) => fate);
  const expected = [...records, ...twice].map((_, index) =>
    index >= 3 && index < 9 ? "history" : index >= 20 && index < 25 ? "known" : index === 40 ? "gone" : "recorded"
  );
  // The samples record lane by lane, and what comes twice of a delivery that is done is history.
  const inA = dues.filter(({ lane }) => lane === "a").length;
  const last = expected.splice(-3).map((_, index) => states[(50 + index) % 4] === "pending" ? "recorded" : "history");
  assert.deepEqual(fates, [...expected.slice(0, inA), ...last, ...expected.slice(inA)]);
  const [{ count }] = await sql<{ count: string }>("SELECT sum(count) AS count FROM relay.activity") as [
    { count: string },
  ];
  assert.equal(Number(count), fates.filter((fate) => fate === "recorded").length + 5);
});

testIn(
  "an owner, an operator and another relay that write at the same time all get through",
  async ({ one, other }) => {
    const events = numbers(40).map((key) => newEvent(`${key}`, ["a", `b:${key % 3}`]));
    await accept(one, ...events);
    const owners = [{ store: one, lane: "a" }, { store: other, lane: "b" }];
    for (const round of numbers(12)) {
      const read = await Promise.all(owners.map(({ store, lane }) => dueIn(store, lane, [], 40)));
      await Promise.all([
        ...owners.map(async ({ store }, index) => {
          const due = round % 2 === 0 ? read[index]!.due : read[index]!.due.toReversed();
          await record(store, due.map((one) => recordOf(one, "pending", { startedAt: T0 + round, dueAt: T0 })));
        }),
        one.retry(read.flatMap(({ due }) => due.map(({ ref }) => ref)).toReversed(), NOW),
        other.redeliver(numbers(40).map((seq) => ({ seq: 40 - seq, deliveries: [{ target: "c" }] })), NOW),
        one.lanes.park(await epochOf(one, "a"), ["0"]),
        other.lanes.park(await epochOf(other, "b"), ["0", "1"]),
      ]);
    }
    assert.equal((await dueIn(one, "c", [], 1_000)).due.length, 12 * 40);
  },
);

testIn(
  "await() while another relay records what is awaited leaves nothing waiting for ever",
  async ({ one, other }) => {
    for (const round of numbers(40)) {
      await accept(one, newEvent(`${round}`));
      const { ref, revision } = await turnIn(one);
      const waiting = [{ ref, revision, awaits: { lane: NOTES } }];
      const epoch = await epochOf(one, "a");
      await one.lanes.await(epoch, waiting);
      const note = await turnIn(other, NOTES);
      await Promise.all([
        record(other, [
          recordOf(note, "delivered", { outcome: { kind: "delivered", fetched: new Uint8Array([0x7b, 0x7d]) } }),
        ]),
        one.lanes.await(epoch, waiting),
      ]);
      // It is due with what was fetched, or that is fetched again.
      const again = (await dueIn(other, NOTES)).due;
      await record(other, again.map((one) => recordOf(one, "delivered", { startedAt: T0 + 9_000 })));
      const due = await turnIn(one);
      assert.deepEqual([due.ref, due.awaited], [ref, NOTES]);
      await record(one, [recordOf(due, "delivered")]);
    }
  },
);

testIn(
  "own() takes a lane only once what its owner writes is done, and nothing of that owner after",
  async ({ one, other }) => {
    for (const round of numbers(20)) {
      const event = newEvent(`${round}`);
      await accept(one, event);
      const due = await turnIn(one);
      const { epoch } = await takeOver(one);
      const [{ lanes, lost }, owned] = await Promise.all([
        one.write({ accepts: [], lanes: [{ epoch, hold: {}, records: [recordOf(due, "delivered")] }] }),
        other.lanes.own(["a"], "other").then((lanes) => lanes.get("a")!),
      ]);
      assert.equal(owned.epoch.number, epoch.number + 1);
      const [[state]] = await statesOf(other, event) as [[string]];
      assert.deepEqual([lanes[0]![0]!.fate, lost], state === "delivered" ? ["recorded", []] : ["history", [epoch]]);
      if (state === "delivered") continue;
      await takeOver(other);
      await record(other, [recordOf(due, "delivered", { startedAt: T0 + 1 })]);
    }
  },
);

testIn("own() tells who took a lane from whom, for a day", async ({ one, other, clock, sql }) => {
  const own = async (store: Store, token: string) => (await store.lanes.own(["a"], token)).get("a")!;
  const takeovers = async () =>
    (await sql<{ told: string }>(
      "SELECT concat_ws(' ', member, was_given_up, at) AS told FROM relay.takeovers ORDER BY at",
    ))
      .map(({ told }) => told);
  const { epoch } = await own(one, "first");
  await own(one, "started anew");
  assert.deepEqual(await takeovers(), [], "nobody had it before, or the same one");
  clock.pass(10);
  await own(other, "second");
  clock.pass(10);
  await other.lanes.giveUp([{ ...epoch, number: 3, token: "second" }]);
  await own(one, "third");
  assert.deepEqual(await takeovers(), [`other f ${NOW + 10}`, `one t ${NOW + 20}`]);
  clock.pass(86_400_000);
  await own(other, "fourth");
  assert.deepEqual(await takeovers(), [`one t ${NOW + 20}`, `other f ${NOW + 86_400_020}`]);
});

testIn("texts that PostgreSQL cannot hold are kept with another character in place of one", async ({ one }) => {
  const text = 'a\0b\ud800c é 🐕 \\ " {},NULL';
  const event = newEvent("1", [], {
    type: text,
    headers: { "X-Odd": text },
    problems: [Told.of(text)],
    deliveries: [{ target: "a", orderKey: text }],
  });
  await accept(one, event);
  const due = await turnIn(one);
  const kept = text.replace("\0", "\ufffd").replace("\ud800", "\ufffd");
  assert.deepEqual([due.event.type, due.orderKey], [kept, kept]);
  assert.equal(due.event.headers["X-Odd"], text, "JSON has words for both");
  assert.equal(due.id, formatId(deliveryId(event.id, 1)));
  const outcome = { kind: "dead", reason: "server_failed", detail: Told.of(text), answer: text } as const;
  assert.deepEqual((await record(one, [recordOf(due, "dead", { outcome })]))[0], { fate: "recorded", head: undefined });
  const [delivery] = (await one.story(event.id))!.deliveries;
  assert.deepEqual(delivery!.history.map(({ answer, detail }) => [answer, detail]), [[kept, Told.of(kept)]]);
});
