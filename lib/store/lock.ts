/** The lock that a relay holds on the store that it serves, until it ends, however it ends. */

import { chownSync, closeSync, openSync, statSync } from "node:fs";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../errors.ts";
import { isLocked, storeError } from "./sqlite_error.ts";

/**
 * Takes the lock of a store; whoever closes what this gives lets go of it.
 * @param path Path of the store.
 * @param doing Words for the error: what is to be done with the store.
 * @throws {StoreError} if a relay serves it.
 */
export function lockStore(path: string, doing: string): DatabaseSync {
  const file = `${path}.lock`;
  try {
    closeSync(openSync(file, "a", 0o600));
    shareWithOwner(file, path);
    const lock = new DatabaseSync(file);
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    if (!isLocked(error)) throw storeError(`lock the store by ${file}`, error);
    throw new StoreError(`Cannot ${doing} the store ${path}: another relay serves it`, "stop that one first");
  }
}

/** Makes a file belong to whoever owns another one, where root runs this: the service must be able to open it. */
export function shareWithOwner(path: string, other: string): void {
  if (process.getuid?.() !== 0) return;
  const owner = statSync(other, { throwIfNoEntry: false });
  if (owner) chownSync(path, owner.uid, owner.gid);
}
