/** Batches as the schema's functions take them: an array for each column. */

import { Buffer } from "node:buffer";
import type { Awaited, NewDelivery, NewEvent } from "../../event.ts";
import { expiryOf } from "../awaiting.ts";
import { type ChainMember, chainMembers } from "../chains.ts";
import type { Epoch, Hold } from "../mod.ts";
import { storedProblems } from "../rows.ts";
import type { SqlValue } from "./sql_text.ts";

/** The events of a batch without duplicates, and where each event of the batch is among them. */
export interface EventColumns {
  /** Arguments of `relay.accept` after the time. */
  args: SqlValue[];
  /** For each event of the batch, its index in `args`; `undefined` if the same event came before it in the batch. */
  places: (number | undefined)[];
}

/** A text that must be present. */
function needed(text: string, what: string): string {
  if (typeof text === "string") return text;
  throw new Error(`the ${what} is missing`);
}

/** @throws {Error} if a part of an event is missing, before a sequence is drawn for any event. */
export function eventColumns(batch: readonly NewEvent[]): EventColumns {
  const seen = new Set<string>();
  const events: NewEvent[] = [];
  const ids: string[] = [];
  const places = batch.map((event) => {
    const id = Buffer.from(event.id).toString("hex");
    if (seen.has(id)) return undefined;
    seen.add(id);
    ids.push(id);
    return events.push(event) - 1;
  });
  const starts: number[] = [];
  let length = 0;
  for (const { body } of events) {
    starts.push(length + 1);
    length += body.byteLength;
  }
  return {
    args: [
      ids,
      events.map(({ source }) => needed(source, "source of an event")),
      events.map(({ type }) => needed(type, "type of an event")),
      events.map(({ receivedAt }) => receivedAt),
      events.map(({ secretIndex }) => secretIndex),
      events.map(({ headers }) => JSON.stringify(headers)),
      events.some(({ problems }) => problems.length > 0)
        ? events.map(({ problems }) => storedProblems(problems))
        : null,
      starts,
      events.map(({ body }) => body.byteLength),
      events.length === 1 ? events[0]!.body : Buffer.concat(events.map(({ body }) => body), length),
      ...deliveryColumns(events.map(({ deliveries }) => deliveries)),
    ],
    places,
  };
}

/** A delivery as it is inserted. Times are relative to when its event is due. */
interface DeliveryRow {
  /** The event's number in the batch, from 1. */
  event: number;
  number: number;
  target: string;
  orderKey?: string;
  awaits?: number;
  wait?: number;
  isAwaited?: boolean;
  expiry?: number | null;
  member?: ChainMember;
}

/**
 * The deliveries of events, numbered from 1; those that they await come after them. Empty columns are `null`, which
 * costs nothing.
 */
export function deliveryColumns(events: readonly (readonly NewDelivery[])[]): SqlValue[] {
  const rows: DeliveryRow[] = [];
  let isPlain = true;
  events.forEach((deliveries, index) => {
    const event = index + 1;
    // Most events have only plain deliveries.
    if (deliveries.every(({ orderKey, awaits, chain }) => orderKey === undefined && !awaits && !chain)) {
      deliveries.forEach(({ target }, at) => rows.push({ event, number: at + 1, target }));
      return;
    }
    isPlain = false;
    rows.push(...awaitingRows(event, deliveries));
  });
  return [
    rows.map(({ event }) => event),
    rows.map(({ number }) => number),
    rows.map(({ target }) => needed(target, "target of a delivery")),
    isPlain ? null : rows.map(({ orderKey }) => orderKey),
    isPlain ? null : rows.map(({ awaits }) => awaits),
    isPlain ? null : rows.map(({ wait }) => wait),
    isPlain ? null : rows.map(({ isAwaited }) => isAwaited),
    isPlain ? null : rows.map(({ expiry }) => expiry),
    isPlain ? null : chainsText(rows),
  ];
}

/** The members of chains, as `relay.add_chains` takes them; `null` if there are none. */
function chainsText(rows: readonly DeliveryRow[]): string | null {
  const members = rows.flatMap(({ event, number, member }) => member ? [{ event, number, ...member }] : []);
  if (members.length === 0) return null;
  return JSON.stringify(members.map(({ event, number, chain, step, hasProof, withinMs, until }) => (
    { event, number, chain, step, has_proof: hasProof, within_ms: withinMs, until }
  )));
}

function awaitingRows(event: number, deliveries: readonly NewDelivery[]): DeliveryRow[] {
  const numbers = new Map<string, number>();
  const numberOf = ({ lane }: Awaited) => {
    const number = numbers.get(lane) ?? deliveries.length + numbers.size + 1;
    numbers.set(lane, number);
    return number;
  };
  const members = chainMembers(deliveries, 1);
  const rows = deliveries.map(({ target, orderKey, awaits }, index): DeliveryRow => {
    const member = members[index];
    const waits = member?.after === undefined
      ? { awaits: awaits && numberOf(awaits), wait: awaits?.patienceMs }
      : { awaits: member.after, wait: member.waitMs };
    return { event, number: index + 1, target, orderKey, ...waits, member };
  });
  const awaited = [...numbers].map(([lane, number]): DeliveryRow => {
    const all = deliveries.flatMap(({ awaits }) => awaits?.lane === lane ? [awaits] : []);
    return { event, number, target: lane, isAwaited: true, expiry: expiryOf(all, 0) };
  });
  return [...rows, ...awaited];
}

/** The epochs of lanes: names, numbers and tokens. */
export function epochColumns(epochs: readonly Epoch[]): SqlValue[] {
  return [epochs.map(({ lane }) => lane), epochs.map(({ number }) => number), epochs.map(({ token }) => token)];
}

/** How lanes are held. */
export function holdColumns(holds: readonly Hold[]): SqlValue[] {
  return [holds.map(({ openUntil }) => openUntil), holds.map(({ throttledUntil }) => throttledUntil)];
}
