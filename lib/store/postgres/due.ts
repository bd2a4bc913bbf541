/** Reads the result of `relay.due`, lane by lane. */

import type { Due, DueAsk, DueInLane } from "../mod.ts";
import { dueOfRow, type DueRow } from "../rows.ts";

/** A row of `relay.due`: of a lane, without a number, or of a delivery in one. */
export type DueAnswer = LaneRow | DeliveryRow;

interface LaneRow {
  number: null;
  /** Number of the lane in the call, from 1. */
  lane: number;
  /** How many deliveries were looked at, and how many of these are not known. */
  seen: number;
  fresh: number;
  next_at: number | null;
}

interface DeliveryRow extends Omit<DueRow, "seq"> {
  lane: number;
  head_event: number | null;
  head_number: number | null;
}

/** @param rows One for each lane that was asked for, then those of the due deliveries. */
export function readDue(asks: readonly DueAsk[], rows: readonly DueAnswer[]): DueInLane[] {
  const due = asks.map((): Due[] => []);
  for (const row of rows) if (row.number !== null) due[row.lane - 1]!.push(dueOf(row, asks[row.lane - 1]!.lane));
  return asks.map(({ lane, limit, known }, index): DueInLane => {
    const { seen, fresh, next_at: nextAt } = rows[index] as LaneRow;
    const own = due[index]!;
    const isAll = own.length === fresh && seen < limit + known.length;
    return { lane, due: own, isAll, nextAt: nextAt ?? undefined };
  });
}

function dueOf(row: DeliveryRow, lane: string): Due {
  const { event, head_event: headEvent, head_number: number } = row;
  const head = headEvent === null || number === null ? undefined : { event: headEvent, number };
  const due = dueOfRow({ ...row, seq: event }, lane);
  if (head) due.head = head;
  return due;
}
