/** Attempts as `relay.write` takes them, and the fates of their records. */

import { isOwnLane } from "../../own_lane.ts";
import { bucketOf } from "../activity.ts";
import type { AttemptRecord, LaneRecords, Recorded, RecordFate } from "../mod.ts";
import { storedFailure } from "../rows.ts";
import { epochColumns, holdColumns } from "./columns.ts";
import type { SqlValue } from "./sql_text.ts";

/** Flags of a record. */
const AWAITED = 1;
const BEGUN = 2;
const MADE = 4;
const REPEATED = 8;
const CHAINED = 16;

/** A record, and its position in what was given. */
interface Placed {
  record: AttemptRecord;
  /** The lane's number, from 1; the record's index in its lane; and its index among the records of all lanes. */
  lane: number;
  index: number;
  place: number;
}

export interface RecordColumns {
  /** Arguments of `relay.write` after those of the events. */
  args: SqlValue[];
  /** The records in the order of the arguments: by event and number, the order in which they are locked. */
  placed: readonly Placed[];
}

export function recordColumns(lanes: readonly LaneRecords[]): RecordColumns {
  let place = 0;
  const placed = lanes.flatMap(({ records }, lane) =>
    records.map((record, index): Placed => ({ record, lane: lane + 1, index, place: place++ }))
  ).sort((one, other) =>
    one.record.ref.event - other.record.ref.event || one.record.ref.number - other.record.ref.number ||
    one.place - other.place
  );
  const column = <Value extends SqlValue & (string | number | Uint8Array | null | undefined)>(
    valueOf: (record: AttemptRecord, one: Placed, at: number) => Value,
  ) => placed.map((one, at) => valueOf(one.record, one, at));
  const isKeyed = placed.some(({ record }) => record.orderKey !== undefined);
  const isAwaited = placed.some(({ record }) => record.isAwaited);
  const flags = column((record, _, at) => flagsOf(record, placed[at - 1], placed[at + 1]));
  return {
    args: [
      ...epochColumns(lanes.map(({ epoch }) => epoch)),
      ...holdColumns(lanes.map(({ hold }) => hold)),
      lanes.map(({ startsKeptMs }) => startsKeptMs),
      column((_, one) => one.place),
      column((_, one) => one.lane),
      column(({ ref }) => ref.event),
      column(({ ref }) => ref.number),
      column(({ revision }) => revision),
      column(({ attempt }) => attempt),
      column(({ startedAt }) => startedAt),
      column(({ durationMs }) => durationMs),
      column(({ durationMs }, one) => isOwnLane(lanes[one.lane - 1]!.epoch.lane) ? null : bucketOf(durationMs)),
      column(({ outcome }) => outcome.kind),
      column(({ state }) => state),
      column(({ dueAt }) => dueAt),
      column(({ outcome }) => outcome.kind === "delivered" ? null : outcome.reason),
      column(({ outcome }) => outcome.kind === "delivered" ? null : outcome.detail.stored()),
      column(({ outcome }) => outcome.status),
      column(({ outcome }) => outcome.answer || null),
      isKeyed ? column(({ orderKey }) => orderKey) : null,
      flags,
      isAwaited ? column(failureOf) : null,
      isAwaited ? column(fetchedOf) : null,
      flags.reduce((all, one) => all | one, 0),
    ],
    placed,
  };
}

function flagsOf(record: AttemptRecord, before: Placed | undefined, behind: Placed | undefined): number {
  const isSame = (one: Placed | undefined) =>
    one?.record.ref.event === record.ref.event && one.record.ref.number === record.ref.number;
  return (record.isAwaited ? AWAITED : 0) + (record.wasBegun ? BEGUN : 0) + (record.wasMade ? MADE : 0) +
    (isSame(before) || isSame(behind) ? REPEATED : 0) + (record.isOfChain ? CHAINED : 0);
}

function failureOf({ isAwaited, outcome }: AttemptRecord): string | null {
  return isAwaited && outcome.kind !== "delivered" ? storedFailure(outcome) : null;
}

function fetchedOf({ isAwaited, outcome }: AttemptRecord): Uint8Array | null {
  return isAwaited && outcome.kind === "delivered" ? outcome.fetched ?? null : null;
}

/** What `relay.write` returns. */
export interface WrittenRow {
  now: number;
  seqs: number[] | null;
  fates: string | null;
  head_event: (number | null)[] | null;
  head_number: (number | null)[] | null;
  released: string[] | null;
  outdated: string[] | null;
  lost: number[] | null;
}

const fateOf: Readonly<Record<string, RecordFate>> = { r: "recorded", h: "history", k: "known", g: "gone" };

/** The fate of each record, lane by lane, in the order of its records. */
export function recordedOf(lanes: readonly LaneRecords[], placed: readonly Placed[], row: WrittenRow): Recorded[][] {
  const recorded = lanes.map(({ records }) => new Array<Recorded>(records.length));
  placed.forEach(({ lane, index }, at) => {
    const [event, number] = [row.head_event?.[at], row.head_number?.[at]];
    recorded[lane - 1]![index] = {
      fate: fateOf[row.fates![at]!]!,
      head: event == null || number == null ? undefined : { event, number },
    };
  });
  return recorded;
}
