/** Copies of a store: made while it is served, and put back in its place. */

import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { StoreError } from "../errors.ts";
import { lockStore, shareWithOwner } from "./lock.ts";
import { migrations } from "./migrations.ts";
import { storeError } from "./sqlite_error.ts";

/** What a copy holds. */
export interface Contents {
  events: number;
  /** Deliveries that wait, or were on their way. */
  waiting: number;
  dead: number;
  /** When its newest event came in, ISO 8601; `null` if there is none. */
  newestAt: string | null;
}

/** Pages that are copied at a time; the program looks at its signals between two of these. */
const PAGES = 1_000;

/** A store is its file, its write-ahead log and the index of that. */
const SUFFIXES = ["", "-wal", "-shm"];

/**
 * Copies a store into one file that stands alone, by SQLite's online backup, as it is at this moment; whoever serves it goes
 * on. The copy is checked, and has its name only once it is whole and on the disk.
 * @param file Path of the copy; nothing may be there.
 * @param onProgress Told how much is done, from 0 to 1; what it throws ends the copying.
 * @throws {StoreError} if that fails; then nothing is left of the copy.
 */
export async function backupStore(
  path: string,
  file: string,
  onProgress: (done: number) => void = () => {},
): Promise<Contents> {
  const doing = `back up ${path} to ${file}`;
  if (existsSync(file)) {
    throw new StoreError(`Cannot ${doing}: there is a file already`, "name another one, or move that one away");
  }
  const part = `${file}.part`;
  try {
    await copy(path, part, onProgress);
    const contents = contentsOf(part);
    linkSync(part, file); // never over a file that came about meanwhile
    flush(dirname(file));
    return contents;
  } catch (error) {
    throw storeError(doing, error);
  } finally {
    remove(part);
  }
}

/**
 * What a copy holds.
 * @throws {StoreError} if it is no store, is damaged, or is of a newer relay.
 */
export function inspectBackup(file: string): Contents {
  try {
    return contentsOf(file);
  } catch (error) {
    throw storeError(`restore ${file}`, error);
  }
}

/**
 * Puts a copy in the place of the store, which must not be served. What was there stays beside it under another name.
 * @param now Unix milliseconds, for that name.
 * @returns Where the store that was there is now; `undefined` if there was none.
 * @throws {StoreError} if that fails; then the store is as it was.
 */
export async function restoreStore(file: string, path: string, now: number): Promise<string | undefined> {
  inspectBackup(file);
  const lock = lockStore(path, "restore");
  const part = `${path}.part`;
  try {
    await copy(file, part);
    shareWithOwner(part, existsSync(path) ? path : dirname(path));
    const aside = existsSync(path) ? `${path}.${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "")}` : undefined;
    for (const suffix of SUFFIXES) {
      if (aside && existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    renameSync(part, path);
    flush(dirname(path));
    return aside;
  } catch (error) {
    throw storeError(`restore ${file} to ${path}`, error);
  } finally {
    remove(part);
    lock.close();
  }
}

/** Copies a database as it is at this moment into a file of one piece, on the disk. */
async function copy(from: string, to: string, onProgress: (done: number) => void = () => {}): Promise<void> {
  remove(to);
  closeSync(openSync(to, "wx", 0o600));
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    // One view of it from the first page to the last: without, the copying begins anew with each write of another program.
    source.exec("BEGIN");
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    await backup(source, to, {
      rate: PAGES,
      progress: ({ totalPages, remainingPages }) => onProgress(1 - remainingPages / totalPages),
    });
  } finally {
    source.close();
  }
  const made = new DatabaseSync(to);
  made.exec("PRAGMA journal_mode = DELETE"); // one file, without a log beside it
  made.close();
  chmodSync(to, 0o600);
  flush(to);
}

function contentsOf(file: string): Contents {
  if (!existsSync(file)) throw new Error("there is no such file");
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const one = (sql: string) => Object.values(db.prepare(sql).get() ?? {})[0];
    const found = one("PRAGMA integrity_check(1)");
    if (found !== "ok") throw new Error(`it is corrupt: ${found}`);
    const version = Number(one("PRAGMA user_version"));
    const isStore = one("SELECT count(*) FROM sqlite_schema WHERE name IN ('events', 'deliveries', 'attempts')") === 3;
    if (!isStore || version < 1) throw new Error("it is no store of a relay");
    if (version > migrations.length) {
      throw new StoreError(
        `Cannot restore ${file}: it was written by a newer relay (schema ${version}, this one knows ${migrations.length})`,
        "install the newer relay",
      );
    }
    const newest = one("SELECT max(received_at) FROM events");
    return {
      events: Number(one("SELECT count(*) FROM events")),
      waiting: Number(one("SELECT count(*) FROM deliveries WHERE state IN ('pending', 'in_flight')")),
      dead: Number(one("SELECT count(*) FROM deliveries WHERE state = 'dead'")),
      newestAt: newest === null || newest === undefined ? null : new Date(Number(newest)).toISOString(),
    };
  } finally {
    db.close();
  }
}

function remove(path: string): void {
  for (const suffix of [...SUFFIXES, "-journal"]) rmSync(path + suffix, { force: true });
}

/** Brings a file, or the names in a folder, to the disk. */
function flush(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
