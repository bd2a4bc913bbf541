/**
 * Fills a store that is not there yet: `seed.ts STORE COUNT delivered|pending`, with events for the target `t1`. The store
 * writes the first ones; SQLite multiplies their rows, with no flush, since a seed that is lost is made again.
 */

import { Buffer } from "node:buffer";
import { closeSync, fsyncSync, openSync } from "node:fs";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../lib/clock.ts";
import { eventId } from "../../../lib/id.ts";
import { openSqlite } from "../../../lib/store/sqlite/mod.ts";
import { bodyOf } from "../events.ts";

const path = process.argv[2]!;
const count = Number(process.argv[3]);
const isDelivered = process.argv[4] === "delivered";

/** What the store itself writes. */
const FIRST = Math.min(10_000, count);

const BATCH = 5_000;

/** Events lie so far back that they end yesterday, and few enough days that none is deleted for its age. */
const DAY_MS = 86_400_000;
const SPAN_MS = 20 * DAY_MS;

/** Indexes of events that load is made of begin at 0. */
const FIRST_INDEX = 1e9;

const startMs = Date.now() - DAY_MS - SPAN_MS;
const headers = { "Content-Type": "application/json", "X-ConnectVets-Signature": `sha256=${"5a".repeat(32)}` };

const timeOf = (index: number) => startMs + Math.floor(index * SPAN_MS / count);

function eventOf(index: number) {
  const time = timeOf(index);
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

async function writeFirst(): Promise<void> {
  const store = openSqlite(path, systemClock);
  const { epoch } = (await store.lanes.own(["t1"], "seed")).get("t1")!;
  for (let at = 0; at < FIRST; at += BATCH) {
    const accepts = Array.from({ length: Math.min(BATCH, FIRST - at) }, (_, index) => eventOf(at + index));
    await store.write({ accepts, lanes: [] });
  }
  while (isDelivered) {
    const [found] = await store.lanes.due([{ lane: "t1", limit: BATCH, known: [] }]);
    if (found!.due.length === 0) break;
    const records = found!.due.map(({ ref, revision, event }) => ({
      ref,
      revision,
      attempt: 1,
      startedAt: event.receivedAt,
      durationMs: 2,
      outcome: { kind: "delivered", status: 200, answer: "ok" } as const,
      state: "delivered" as const,
      isAwaited: false,
      isOfChain: false,
      wasBegun: false,
      wasMade: true,
    }));
    await store.write({ accepts: [], lanes: [{ epoch, hold: {}, records }] });
  }
  await store.lanes.giveUp([epoch]);
  await store.close();
}

/** Copies rows to later sequences and times: an event's id begins with its time, so that each copy's is its own. */
function multiply(): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
  const copies = ["events", "deliveries", "attempts"].map((table) => {
    const columns = (db.prepare("SELECT name FROM pragma_table_info(?)").all(table) as { name: string }[])
      .map(({ name }) => name);
    return db.prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${columns.map((name) => shifted(name)).join(", ")}
        FROM ${table} WHERE ${columns.includes("seq") ? "seq" : "event"} <= :left`,
    );
  });
  for (let done = FIRST; done < count; done += FIRST) {
    const values = { by: done, ms: timeOf(done) - startMs, left: Math.min(FIRST, count - done) };
    db.exec("BEGIN");
    for (const copy of copies) copy.run(values);
    db.exec("COMMIT");
  }
  db.exec("UPDATE observed SET seq = (SELECT max(seq) FROM events)");
  db.exec("PRAGMA journal_mode = WAL");
  db.close();
}

/** What a copy has in this column, where `:by` and `:ms` say how far off it is, and `:left` which rows are copied. */
function shifted(column: string): string {
  if (column === "seq" || column === "event") return `${column} + :by`;
  if (column === "id") return `unhex(printf('%012x', received_at + :ms) || substr(hex(id), 13))`;
  return column.endsWith("_at") ? `${column} + :ms` : column;
}

await writeFirst();
multiply();
const file = openSync(path, "r+");
fsyncSync(file); // or the system would write it out while the disk is being measured
closeSync(file);
