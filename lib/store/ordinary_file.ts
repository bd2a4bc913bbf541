/** Files as a store needs them: opening a pipe in the place of one would wait for ever. */

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";

/**
 * Makes a file that only its owner can read, unless it is there.
 * @throws {Error} if what is there is no ordinary file, or cannot be written to.
 */
export function makeFile(path: string): void {
  const { O_RDWR, O_CREAT, O_NONBLOCK = 0 } = constants;
  const descriptor = openSync(path, O_RDWR | O_CREAT | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error(`${path} is no ordinary file`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Checks that there is a file to read.
 * @throws {Error} if there is none, or something else is there.
 */
export function checkFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new Error("there is no such file");
  if (!stats.isFile()) throw new Error(`${path} is no ordinary file`);
}
