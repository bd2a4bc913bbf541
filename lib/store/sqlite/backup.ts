/** Copies of a store: made while it is served, and put back in its place. */

import {
  chmodSync,
  closeSync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { backup, DatabaseSync } from "node:sqlite";
import { StoreError } from "../../errors.ts";
import type { Phrase } from "../../locale/phrase.ts";
import { rightsTo } from "../../rights/mod.ts";
import { lockStore } from "./lock.ts";
import { migrations } from "./migrations.ts";
import { BESIDE, checkFile } from "./ordinary_file.ts";
import { cannot, StoreFault } from "../fault.ts";
import { corruptBy, faultOf, storeError } from "./error.ts";
import { isTarget } from "./statements.ts";

/** What a copy holds. */
export interface Contents {
  events: number;
  /** Deliveries that are waiting, or were under way. */
  waiting: number;
  dead: number;
  /** When its newest event came in, ISO 8601; `null` if there is none. */
  newestAt: string | null;
}

/** Pages that are copied and flushed at a time: a flush of many at once would hold up the relay that serves. */
const PAGES = 256;

/** Suffixes of a database's file and of the files that may lie beside it. */
const SUFFIXES = ["", ...BESIDE];

/**
 * Copies a store into a new file as {@link copyStore} does, returns what the copy holds, and rejects if it fails. It
 * runs in another program where root must still be root afterwards.
 */
export type Copy = (from: string, to: string) => Promise<Contents>;

/**
 * Copies a store, as it is at this moment, into one self-contained file, while a relay may go on serving it. The copy
 * gets its name only when it is complete, checked, and on disk.
 * @param file Path of the copy; nothing may be there.
 * @throws {StoreError} if that fails; then nothing is left of the copy.
 */
export async function backupStore(path: string, file: string, copy: Copy = copyStore): Promise<Contents> {
  const doing: Phrase = ({ store }) => store.doingTo.backUp(path, file);
  const folder = `${file}.${process.pid}.part`; // nobody else can put anything beside what SQLite writes in it
  const part = join(folder, "copy");
  let isMade = false;
  try {
    const rights = rightsTo(file, { isNew: true });
    try {
      rights.use(() => {
        const suffix = SUFFIXES.find((one) => isTaken(file + one));
        if (suffix !== undefined) throw isThere(doing, suffix);
        mkdirSync(folder, 0o700);
        isMade = true;
      });
      const contents = await copy(path, part);
      rights.use(() => {
        giveName(part, file, doing);
        flush(dirname(file));
      });
      return contents;
    } finally {
      if (isMade) rights.use(() => rmSync(folder, { recursive: true, force: true }));
    }
  } catch (error) {
    throw storeError(doing, error);
  }
}

/** Whether anything has this name, even a broken link. */
function isTaken(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Never replaces a file that appeared meanwhile, as far as the file system can do that in one step. */
function giveName(part: string, file: string, doing: Phrase): void {
  try {
    linkSync(part, file);
  } catch {
    if (isTaken(file)) throw isThere(doing);
    renameSync(part, file); // file systems of memory sticks have no hard links
  }
}

function isThere(doing: Phrase, suffix = ""): StoreError {
  return new StoreError(cannot(doing, ({ store }) => store.taken(suffix)), ({ store }) => store.nameOtherCopy);
}

/**
 * What a copy holds.
 * @throws {StoreError} if it is no store, is damaged, or is from a newer relay.
 */
export function inspectBackup(file: string): Contents {
  try {
    return rightsTo(file).use(() => contentsOf(file));
  } catch (error) {
    throw storeError(({ store }) => store.doingTo.restoreFrom(file), error);
  }
}

/**
 * Puts a copy in the place of the store, which must not be served. The old store stays beside it under another name.
 * @param now Unix milliseconds, for that name.
 * @returns Where the store that was there is now; `undefined` if there was none.
 * @throws {StoreError} if that fails; then the store is as it was.
 */
export async function restoreStore(
  file: string,
  path: string,
  now: number,
  copy: Copy = copyStore,
): Promise<string | undefined> {
  const rights = rightsTo(path);
  const lock = rights.use(() => lockStore(path, ({ store }) => store.doingTo.restore(path)));
  const part = `${path}.${process.pid}.part`;
  try {
    await copy(file, part);
    return rights.use(() => {
      const aside = freeName(path, now);
      const isThere = isTaken(path);
      if (isThere) putAside(path, aside);
      putLogsAside(path, aside);
      renameSync(part, path);
      flush(dirname(path));
      return isThere ? aside : undefined;
    });
  } catch (error) {
    throw storeError(({ store }) => store.doingTo.restoreTo(file, path), error);
  } finally {
    rights.use(() => {
      remove(part);
      lock.close();
    });
  }
}

/** An unused name beside the store. */
function freeName(path: string, now: number): string {
  const name = `${path}.${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  for (let number = 1;; number++) {
    const free = number === 1 ? name : `${name}-${number}`;
    if (!SUFFIXES.some((suffix) => isTaken(free + suffix))) return free;
  }
}

/** Gives the store another name. It also keeps its own until the copy takes that, so that there is always a store. */
function putAside(path: string, aside: string): void {
  closeLog(path);
  try {
    linkSync(path, aside);
  } catch {
    renameSync(path, aside); // a file system without hard links
  }
}

/** Moves what lies beside a store, or is left of one: SQLite would write it into whatever has the store's name. */
function putLogsAside(path: string, aside: string): void {
  for (const suffix of BESIDE) if (isTaken(path + suffix)) renameSync(path + suffix, aside + suffix);
}

/** Writes the log that a crash left behind into the store's file, which is then complete. */
function closeLog(path: string): void {
  try {
    checkFile(path);
    const db = new DatabaseSync(path);
    try {
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      db.close();
    }
  } catch {
    // It is damaged or no file at all, which may be why it is replaced; its log goes with it.
  }
}

/**
 * Copies a store into one self-contained file by SQLite's online backup, flushes it to disk and checks it. Blocks the
 * program until it is done.
 * @param to Path of the copy; nothing may be there.
 * @param onProgress Called with how much is copied, from 0 to 1.
 * @throws {StoreFault} if that fails; what was written by then is left.
 */
export async function copyStore(from: string, to: string, onProgress?: (done: number) => void): Promise<Contents> {
  try {
    await copy(from, to, onProgress);
    return contentsOf(to);
  } catch (error) {
    throw faultOf(error);
  }
}

/** Copies a database, as it is at this moment, into a single file on disk. */
async function copy(from: string, to: string, onProgress: (done: number) => void = () => {}): Promise<void> {
  const [reader, writer] = [rightsTo(from), rightsTo(to)];
  const source = reader.use(() => openView(from));
  let descriptor: number | undefined;
  try {
    writer.take();
    const made = descriptor = openSync(to, "wx", 0o600);
    await backup(source, to, {
      rate: PAGES,
      progress: ({ totalPages, remainingPages }) => {
        fdatasyncSync(made);
        onProgress(1 - remainingPages / totalPages);
      },
    });
  } finally {
    reader.use(() => source.close());
    if (descriptor !== undefined) closeSync(descriptor); // not earlier: that would release SQLite's locks on the file
  }
  const made = new DatabaseSync(to);
  made.exec("PRAGMA journal_mode = DELETE"); // a single file, without a log beside it
  made.close();
  chmodSync(to, 0o600);
  flush(to);
}

/**
 * Opens one snapshot of a store for all its pages: without it, each write by another program restarts the copying. All
 * files of the store are open then.
 */
function openView(path: string): DatabaseSync {
  checkFile(path);
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function contentsOf(file: string): Contents {
  checkFile(file);
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const one = (sql: string) => Object.values(db.prepare(sql).get() ?? {})[0];
    const found = one("PRAGMA integrity_check(1)");
    if (found !== "ok") throw corruptBy(found);
    const version = Number(one("PRAGMA user_version"));
    const isStore = one("SELECT count(*) FROM sqlite_schema WHERE name IN ('events', 'deliveries', 'attempts')") === 3;
    if (!isStore || version < 1) throw new StoreFault(({ store }) => store.notStore);
    if (version > migrations.length) {
      throw new StoreFault(
        ({ store }) => store.newer(version, migrations.length),
        ({ store }) => store.installNewer,
      );
    }
    const isShown = isTarget("target");
    const newest = one("SELECT max(received_at) FROM events");
    return {
      events: Number(one("SELECT count(*) FROM events")),
      waiting: Number(one(`SELECT count(*) FROM deliveries WHERE state IN ('pending', 'in_flight') AND ${isShown}`)),
      dead: Number(one(`SELECT count(*) FROM deliveries WHERE state = 'dead' AND ${isShown}`)),
      newestAt: newest === null || newest === undefined ? null : new Date(Number(newest)).toISOString(),
    };
  } finally {
    db.close();
  }
}

function remove(path: string): void {
  for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true });
}

/** Flushes a file, or a folder's entries, to disk. Windows cannot do that for a folder, and need not. */
function flush(path: string): void {
  const isFolder = statSync(path).isDirectory();
  if (isFolder && process.platform === "win32") return;
  const descriptor = openSync(path, isFolder ? "r" : "r+"); // Windows flushes only what is open for writing
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
