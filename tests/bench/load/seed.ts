/** Fills a store: `seed.ts STORE FIRST COUNT TOTAL delivered|pending`: events FIRST to FIRST + COUNT of TOTAL, for the target `t1`. */

import { Buffer } from "node:buffer";
import process from "node:process";
import { eventId } from "../../../lib/id.ts";
import { systemClock } from "../../../lib/clock.ts";
import { openSqlite } from "../../../lib/store/sqlite/mod.ts";
import { bodyOf } from "../events.ts";

const [path, ...numbers] = process.argv.slice(2, 6);
const [first, count, total] = numbers.map(Number) as [number, number, number];
const isDelivered = process.argv[6] === "delivered";

const BATCH = 5_000;

/** Events lie so far back that they end yesterday, and few enough days that none is deleted for its age. */
const DAY_MS = 86_400_000;
const SPAN_MS = 20 * DAY_MS;

/** Indexes of events that load is made of begin at 0. */
const FIRST_INDEX = 1e9;

const startMs = Date.now() - DAY_MS - SPAN_MS;
const headers = { "Content-Type": "application/json", "X-ConnectVets-Signature": `sha256=${"5a".repeat(32)}` };

function eventOf(index: number) {
  const time = startMs + Math.floor(index * SPAN_MS / total);
  const body = Buffer.from(bodyOf(FIRST_INDEX + index, time));
  return {
    id: eventId("connectvets\0body", body, time - time % 1000),
    source: "connectvets",
    type: "note.completed",
    receivedAt: time,
    body,
    headers,
    secretIndex: 0,
    problems: [],
    deliveries: [{ target: "t1" }],
  };
}

const store = openSqlite(path!, systemClock);
const { epoch } = (await store.lanes.own(["t1"], "seed")).get("t1")!;
for (let at = first; at < first + count; at += BATCH) {
  const accepts = Array.from({ length: Math.min(BATCH, first + count - at) }, (_, index) => eventOf(at + index));
  await store.write({ accepts, lanes: [] });
  if (!isDelivered) continue;
  const { lanes: [found] } = await store.lanes.due([{ lane: "t1", limit: BATCH, known: [] }]);
  const records = found!.due.map(({ ref, revision, event }) => ({
    ref,
    revision,
    attempt: 1,
    startedAt: event.receivedAt,
    durationMs: 2,
    outcome: { kind: "delivered", status: 200, answer: "ok" } as const,
    state: "delivered" as const,
    isAwaited: false,
    wasBegun: false,
    wasMade: true,
  }));
  await store.write({ accepts: [], lanes: [{ epoch, hold: {}, records }] });
}
await store.lanes.giveUp([epoch]);
await store.close();
