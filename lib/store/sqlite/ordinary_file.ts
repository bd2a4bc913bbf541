/** Makes sure that SQLite gets ordinary files: it opens whatever is there, and would wait forever for a pipe. */

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { StoreFault } from "../fault.ts";

/** Suffixes of the files that SQLite may write beside a database's. */
export const BESIDE = ["-wal", "-shm", "-journal"];

/**
 * Creates a database's file that only its owner can read, unless it exists.
 * @throws {Error} if it cannot be written to, or if it or a file beside it is not an ordinary file.
 */
export function makeFile(path: string): void {
  const { O_RDWR, O_CREAT, O_NONBLOCK = 0 } = constants;
  const descriptor = openSync(path, O_RDWR | O_CREAT | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(descriptor).isFile()) throw notOrdinary(path);
  } finally {
    closeSync(descriptor);
  }
  checkBeside(path);
}

/**
 * Checks that there is a database's file to read.
 * @throws {Error} if there is none, or if it or a file beside it is not an ordinary file.
 */
export function checkFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) {
    throw new StoreFault(({ store }) => store.faults.missing.problem, ({ store }) => store.faults.missing.hint);
  }
  if (!stats.isFile()) throw notOrdinary(path);
  checkBeside(path);
}

function checkBeside(path: string): void {
  for (const place of BESIDE.map((suffix) => path + suffix)) {
    if (statSync(place, { throwIfNoEntry: false })?.isFile() === false) throw notOrdinary(place);
  }
}

function notOrdinary(path: string): StoreFault {
  return new StoreFault(({ store }) => store.notOrdinary(path), ({ store }) => store.faults.missing.hint);
}
