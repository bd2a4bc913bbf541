/** The lock that a relay holds on the store that it serves until it ends, however it ends. */

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../errors.ts";
import { checkFile, makeFile } from "./ordinary_file.ts";
import { cannot, type Doing } from "../fault.ts";
import { isLocked, storeError } from "./error.ts";

/** How long taking the lock waits for a program that only checks it, in milliseconds. */
const LOOK_MS = 200;

/**
 * Takes the lock of a store. Closing the returned database releases it.
 * @param path Path of the store.
 * @param doing What is to be done with the store.
 * @throws {StoreError} if a relay serves it.
 */
export function lockStore(path: string, doing: Doing): DatabaseSync {
  const file = `${path}.lock`;
  try {
    makeFile(file);
    const lock = new DatabaseSync(file);
    lock.exec(`PRAGMA busy_timeout = ${LOOK_MS}`);
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    if (!isLocked(error)) throw storeError(({ store }) => store.doingTo.lock(file), error);
    throw new StoreError(cannot(doing, ({ store }) => store.served), ({ store }) => store.stopRelay);
  }
}

/**
 * Whether a relay holds the lock of a store. Not for the program that holds it: the check would release its lock.
 * @param path Path of the store.
 * @throws {StoreError} if that cannot be determined.
 */
export function isLockHeld(path: string): boolean {
  const file = `${path}.lock`;
  if (!existsSync(file)) return false;
  try {
    checkFile(file);
    const lock = new DatabaseSync(file, { readOnly: true });
    try {
      lock.exec("PRAGMA busy_timeout = 0"); // Deno's default is 5 s, which would block the program
      lock.prepare("SELECT count(*) FROM sqlite_schema").get();
      return false;
    } finally {
      lock.close();
    }
  } catch (error) {
    if (isLocked(error)) return true;
    throw storeError(({ store }) => store.doingTo.seeServed(path), error);
  }
}
