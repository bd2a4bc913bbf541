/** Moves a store to another place: copies it page by page, compares both sides, and closes the old one. */

import { createHash, randomUUID } from "node:crypto";
import { StoreError } from "../errors.ts";
import type { Mark } from "../store/move.ts";
import { keyOf, type PageLimits, type Row, type Table, tables, type TransferSide } from "../store/transfer.ts";

/** Carried at a time by default. */
const LIMITS: PageLimits = { rows: 10_000, bytes: 16 * 1024 ** 2 };

/** How far a move is. */
export interface MoveProgress {
  doing: "copying" | "comparing";
  table: string;
  /** 0 to 1, of this part of the work. */
  done: number;
}

export interface MoveOptions {
  onProgress?(progress: MoveProgress): void;
  /** Stops the move between two pages; it goes on when it is called again. */
  signal?: AbortSignal;
  limits?: PageLimits;
}

/** What both stores hold, as they were compared. */
export interface Compared {
  /** Rows of each table, by its name. */
  counts: Record<string, number>;
  /** SHA-256 over id and SHA-256 of the body of every event in the order of their sequence, in hexadecimal. */
  digest: string;
}

export interface Moved extends Compared {
  /** Rows that an earlier call had copied. */
  resumedFrom: number;
  /** An earlier call had done all of it. */
  wasDone: boolean;
}

/**
 * Moves everything from one store to another, or goes on with that. It may end at any point, however it does: called again
 * it goes on with the page at which it ended. Neither store is served or written to meanwhile; at the end, only the new one is.
 * @throws {StoreError} if the source is served, or was moved elsewhere; if the destination is served, holds anything else,
 * or belongs to another move; if both differ in the end.
 */
export async function moveStore(from: TransferSide, to: TransferSide, options: MoveOptions = {}): Promise<Moved> {
  await from.hold();
  await to.hold();
  const [source, destination] = [await from.mark(), await to.mark()];
  if (source?.isDone && !destination) return await alreadyMoved(from, to, source);
  if (!source?.isDone) await begin(from, to, source, destination);
  else if (destination?.move !== source.move) throw elsewhere(from, to, source);

  const counts = await countAll(from);
  const total = sumOf(counts);
  const before = await countAll(to);
  const work = { from, to, options, total, limits: options.limits ?? LIMITS };
  await copyAll(work, counts, before);
  const held = await compare(work);
  // In this order: at no moment could both be served.
  await to.finish(await from.observed());
  const { move } = (await from.mark())!;
  await from.setMark({ role: "source", move, other: to.shown, isDone: true });
  await to.setMark(undefined);
  return { ...held, resumedFrom: sumOf(before), wasDone: false };
}

/**
 * What a move would carry, and why it could not begin; nothing is changed.
 * @param to Absent if it is not there yet.
 */
export async function previewMove(from: TransferSide, to: TransferSide | undefined): Promise<Record<string, number>> {
  await from.hold();
  await from.refuseServed();
  await to?.hold();
  await to?.refuseServed();
  const [source, destination] = [await from.mark(), await to?.mark()];
  if (!to && source) throw elsewhere(from, undefined, source);
  if (to) await checkMarks(from, to, source, destination);
  return await countAll(from);
}

/**
 * Leaves a store where it is that was to be moved: it can be served again.
 * @returns The other store, in which what was copied is left; `undefined` if there was no move.
 * @throws {StoreError} if the move is done.
 */
export async function cancelMove(from: TransferSide): Promise<string | undefined> {
  await from.hold();
  const mark = await from.mark();
  if (!mark) return undefined;
  if (mark.isDone || mark.role !== "source") {
    const { isDone, other } = mark;
    throw new StoreError(
      ({ store: { move } }) => move.cannotCancel(from.shown, isDone ? move.isDone(other) : move.isDestination),
      ({ store: { move } }) => isDone ? move.moveBack : move.nameSource(other),
    );
  }
  await from.setMark(undefined);
  return mark.other;
}

async function begin(from: TransferSide, to: TransferSide, source?: Mark, destination?: Mark): Promise<void> {
  const { move } = await checkMarks(from, to, source, destination);
  await from.refuseServed();
  await to.refuseServed();
  // And once more behind the marks: a relay that starts now sees them, or is seen.
  if (!destination || destination.move !== move) {
    await to.setMark({ role: "destination", move, other: from.shown, isDone: false });
  }
  if (!source) await from.setMark({ role: "source", move, other: to.shown, isDone: false });
  try {
    await from.refuseServed();
    await to.refuseServed();
  } catch (error) {
    if (!source) await from.setMark(undefined);
    if (!destination) await to.setMark(undefined);
    throw error;
  }
}

/** The move that is to go on, or a new one. */
async function checkMarks(
  from: TransferSide,
  to: TransferSide,
  source: Mark | undefined,
  destination: Mark | undefined,
): Promise<{ move: string }> {
  if (source?.role === "destination") {
    throw new StoreError(
      ({ store: { move, moved } }) => move.cannot(from.shown, undefined, moved.to(source.other)),
      ({ store }) => store.move.runFirst,
    );
  }
  if (source && destination?.move === source.move) return source;
  if (source) throw elsewhere(from, to, source);
  const full = sumOf(await countAll(to)) > 0;
  // One that was ended before it copied anything begins anew.
  const isFresh = !full && destination?.role === "destination" && destination.other === from.shown;
  if (destination && !isFresh) {
    const { role, other } = destination;
    throw new StoreError(
      ({ store: { move } }) =>
        move.cannot(from.shown, to.shown, role === "source" ? move.otherMoveTo(other) : move.otherMoveFrom(other)),
      ({ store }) => store.move.nameDestination,
    );
  }
  if (!full) return { move: destination?.move ?? randomUUID() };
  throw new StoreError(
    ({ store: { move } }) => move.cannot(from.shown, to.shown, move.notEmpty),
    ({ store }) => store.move.nameEmpty,
  );
}

function elsewhere(from: TransferSide, to: TransferSide | undefined, { other, isDone }: Mark): StoreError {
  return new StoreError(
    ({ store: { move, moved } }) => move.cannot(from.shown, to?.shown, isDone ? moved.done(other) : moved.from(other)),
    ({ store: { move } }) => isDone ? move.nameSource(other) : move.continueOrCancel,
  );
}

/** A move that was done to its end: only its result is told. */
async function alreadyMoved(from: TransferSide, to: TransferSide, source: Mark): Promise<Moved> {
  if (source.other !== to.shown) throw elsewhere(from, to, source);
  const { bytes } = await digestOf(from, tables[0]!, LIMITS, () => {});
  return { counts: await countAll(from), digest: bytes, resumedFrom: 0, wasDone: true };
}

interface Work {
  from: TransferSide;
  to: TransferSide;
  options: MoveOptions;
  total: number;
  limits: PageLimits;
}

async function copyAll(work: Work, counts: Record<string, number>, before: Record<string, number>): Promise<void> {
  const { from, to, limits } = work;
  let copied = 0;
  for (const table of tables) {
    let done = table.isWhole ? 0 : before[table.name]!;
    const tell = () => show(work, "copying", table, copied + done);
    tell();
    // The next page is read while one is written.
    let page = from.page(table, table.isWhole ? undefined : await to.last(table), limits);
    for (let rows = await page; rows.length > 0; rows = await page) {
      page = table.isWhole ? Promise.resolve([]) : from.page(table, keyOf(table, rows.at(-1)!), limits);
      page.catch(() => {}); // it is awaited, unless the write fails before
      await to.insert(table, rows);
      done += rows.length;
      tell();
    }
    copied += counts[table.name]!;
  }
}

/** Both sides hold the same, row by row. */
async function compare(work: Work): Promise<Compared> {
  const { from, to } = work;
  const counts: Record<string, number> = {};
  let digest = "";
  let compared = 0;
  for (const table of tables) {
    const onRows = (count: number) => show(work, "comparing", table, compared += count / 2);
    const [one, other] = await Promise.all([
      digestOf(from, table, work.limits, onRows),
      digestOf(to, table, work.limits, onRows),
    ]);
    if (one.count !== other.count || one.bytes !== other.bytes || one.rest !== other.rest) {
      throw new StoreError(
        ({ store }) => store.move.cannotFinish(from.shown, to.shown, table.name, one.count, other.count),
        ({ store }) => store.move.cancelFirst,
      );
    }
    counts[table.name] = one.count;
    if (table.name === "events") digest = one.bytes;
  }
  return { counts, digest };
}

/** SHA-256 over all bytes of a table's rows, which of events are id and hash of the body, and over everything else. */
async function digestOf(
  side: TransferSide,
  table: Table,
  limits: PageLimits,
  onRows: (count: number) => void,
): Promise<{ count: number; bytes: string; rest: string }> {
  const [bytes, rest] = [createHash("sha256"), createHash("sha256")];
  let count = 0;
  let after: Row | undefined;
  for (;;) {
    const rows = await side.hashes(table, after, limits);
    for (const row of rows) {
      for (const value of row) if (value instanceof Uint8Array) bytes.update(value);
    }
    const lines = rows.map((row) => `${JSON.stringify(row.map(sized))}\n`);
    // A NUL in a key is not a NUL in PostgreSQL, and stands elsewhere in its order.
    if (table.isWhole) lines.sort();
    rest.update(lines.join(""));
    count += rows.length;
    onRows(rows.length);
    if (table.isWhole || rows.length === 0) break;
    after = keyOf(table, rows.at(-1)!);
  }
  return { count, bytes: bytes.digest("hex"), rest: rest.digest("hex") };
}

/** Bytes stand in a row's text by their number alone. */
function sized(value: Row[number]): unknown {
  return value instanceof Uint8Array ? { bytes: value.length } : value;
}

/** Says how far the work is, or ends it here if that was asked for. */
function show({ options, total }: Work, doing: MoveProgress["doing"], { name }: Table, rows: number): void {
  if (options.signal?.aborted) throw new StoreError(({ store }) => store.move.stopped);
  options.onProgress?.({ doing, table: name, done: total === 0 ? 1 : Math.min(1, rows / total) });
}

async function countAll(side: TransferSide): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of tables) counts[table.name] = await side.count(table);
  return counts;
}

function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
