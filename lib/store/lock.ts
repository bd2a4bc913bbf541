/** The lock that a relay holds on the store that it serves, until it ends, however it ends. */

import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../errors.ts";
import { makeFile } from "./ordinary_file.ts";
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
    makeFile(file);
    const lock = new DatabaseSync(file);
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    if (!isLocked(error)) throw storeError(`lock the store by ${file}`, error);
    throw new StoreError(`Cannot ${doing} the store ${path}: another relay serves it`, "stop that one first");
  }
}
