/** One SQLite file: opens and upgrades it, reads it, and writes to it in transactions. */

import { statfsSync, type Stats, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { StoreError } from "../../errors.ts";
import { cannot, type Doing, StoreFault } from "../fault.ts";
import { type Mark, refusalOf } from "../move.ts";
import { corruptBy, isLocked, storeError } from "./error.ts";
import { isLockHeld, lockStore } from "./lock.ts";
import { migrations } from "./migrations.ts";
import { readMark } from "./moves.ts";
import { makeFile } from "./ordinary_file.ts";
import { type LongRead, Pieces, type ReadLimits } from "./pieces.ts";

/** How long a write waits for another process that is writing, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

/** Pause before a lock is tried again, in milliseconds; other work goes on meanwhile. */
const LOCK_PAUSE_MS = 20;

/** A file of up to this many bytes is checked as a whole at start, which takes a millisecond per megabyte. */
const MAX_CHECKED_BYTES = 16 * 1024 ** 2;

/** The write-ahead log is truncated to this many bytes once it has been copied into the file. */
const MAX_LOG_BYTES = 64 * 1024 ** 2;

/** Pages that are freed at a time. */
const PAGES_FREED = 500;

/** Callbacks and settings for a store's file. */
export interface FileOptions {
  /** Called after each durable commit with the milliseconds that it took. */
  onCommit?(ms: number): void;
  /** Called with the part of the schema's changes that is done, 0 to 1, while an older store is upgraded. */
  onUpgrade?(part: number): void;
  /** Writes are allowed although the store is marked as moved or being moved. */
  isMove?: boolean;
}

/** An open SQLite file. Its methods throw {@link StoreError}. */
export class SqliteFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #options: FileOptions;
  readonly #pieces: Pieces;
  /** The files that are written to: the store's own, and its write-ahead log once there is one. */
  readonly #places = new Map<string, Stats>();
  #lock?: DatabaseSync;
  #isServing = false;

  /**
   * Opens the file, creates it if it does not exist, and upgrades its schema.
   * @throws {StoreError} if it cannot be opened, or is from a newer version of the program.
   */
  constructor(path: string, clock: Clock, options: FileOptions) {
    this.path = path;
    this.#clock = clock;
    this.#options = options;
    this.#pieces = new Pieces(clock);
    try {
      makeFile(path); // payloads concern clients and patients: only the service may read them
      this.#places.set(path, statSync(path));
      this.#db = new DatabaseSync(path);
      this.#db.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
      this.#refuseOther();
      // Takes effect only before the first table; repeating it would write to the file.
      if (this.#pragma("page_count") === 0) this.#db.exec("PRAGMA auto_vacuum = INCREMENTAL");
      this.#db.exec("PRAGMA journal_mode = WAL");
      this.#db.exec("PRAGMA synchronous = FULL");
      this.#db.exec(`PRAGMA journal_size_limit = ${MAX_LOG_BYTES}`);
      this.#migrate();
      this.#db.exec("PRAGMA busy_timeout = 0"); // from here on a waiting write does not block the program
    } catch (error) {
      this.close(); // whatever was opened, above all the lock
      throw storeError(({ store }) => store.doingTo.open(path), error);
    }
  }

  /** Tables without a version are not relay's. One statement reads both, since another relay may be creating them. */
  #refuseOther(): void {
    const { isOther } = this.#db.prepare(
      `SELECT user_version = 0 AND EXISTS (SELECT 1 FROM sqlite_schema) AS isOther FROM pragma_user_version`,
    ).get() as { isOther: number };
    if (!isOther) return;
    throw new StoreFault(({ store }) => store.otherProgram, ({ store }) => store.nameOtherFile);
  }

  /** A relay of another version may be serving the file: the schema changes only while none does. */
  #migrate(): void {
    const version = this.#version();
    if (version > migrations.length) {
      throw new StoreFault(
        ({ store }) => store.newer(version, migrations.length),
        ({ store }) => store.installNewerOrRestore,
      );
    }
    if (version === migrations.length) return;
    if (version > 0) this.#takeLock();
    const onProgress = version > 0 ? this.#options.onUpgrade?.bind(this.#options) : undefined;
    this.#transaction(() => {
      const now = this.#clock.now();
      for (const migrate of migrations.slice(this.#version())) migrate(this.#db, now, onProgress ?? (() => {}));
      this.#setVersion();
    });
  }

  #version(): number {
    return Number(this.#pragma("user_version"));
  }

  #setVersion(): void {
    this.#db.exec(`PRAGMA user_version = ${migrations.length}`);
  }

  /**
   * Keeps every other relay from serving this file until this one ends, however it ends.
   * @throws {StoreError} if another relay serves it, or it is damaged.
   */
  serve(): void {
    this.#takeLock();
    this.#refuseMoved(({ store }) => store.doingTo.serve(this.path));
    this.#isServing = true;
    if (this.bytes() > MAX_CHECKED_BYTES) return;
    const found = this.read(() => this.#pragma("quick_check(1)"));
    if (found !== "ok") throw storeError(({ store }) => store.doingTo.serve(this.path), corruptBy(found));
  }

  /** Whether a relay serves this file now, this one or another. */
  isServed(): boolean {
    // A program that upgrades the schema holds the lock too, but does not serve.
    return this.#lock === undefined ? isLockHeld(this.path) : this.#isServing;
  }

  #takeLock(): void {
    this.#lock ??= lockStore(this.path, ({ store }) => store.doingTo.serve(this.path));
  }

  /** Keeps every relay from serving this file until it is closed. @throws {StoreError} if one serves it. */
  hold(): void {
    this.#lock ??= lockStore(this.path, ({ store }) => store.doingTo.move(this.path));
  }

  /** The mark of a move, under way or done. */
  mark(): Mark | undefined {
    return this.read(() => readMark(this.#db));
  }

  /** A move starts only while nobody serves the store. */
  #refuseMoved(doing: Doing): void {
    const mark = this.mark();
    if (mark) throw refusalOf(mark, doing);
  }

  prepare(sql: string): StatementSync {
    return this.read(() => this.#db.prepare(sql));
  }

  /** Prepares statements by name. */
  prepareAll<Name extends string>(texts: Record<Name, string>): Record<Name, StatementSync> {
    const entries = Object.entries<string>(texts).map(([name, sql]) => [name, this.prepare(sql)]);
    return Object.fromEntries(entries) as Record<Name, StatementSync>;
  }

  /** Reads: returns what `work` returns, and turns what it throws into a {@link StoreError}. */
  read<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw storeError("readStore", error);
    }
  }

  /** Reads in pieces, as {@link Pieces} describes. */
  async readInPieces(work: LongRead, limits?: ReadLimits): Promise<boolean> {
    try {
      return await this.#pieces.read(work, limits);
    } catch (error) {
      throw storeError("readStore", error);
    }
  }

  /**
   * Does this work in a transaction: when it resolves, all of it is done; when it rejects, none of it is. While other
   * programs write, it waits and may do the work more than once; only the last time counts.
   * @param doing What this is for.
   * @param isRelaxed A crash of the program cannot undo it, but a power cut can. It does not flush the disk.
   */
  async write<Result>(doing: Doing, work: () => Result, isRelaxed = false): Promise<Result> {
    const giveUpAt = this.#clock.monotonic() + LOCK_WAIT_MS;
    const checked = () => {
      this.#refuseMoved(({ store }) => store.doingTo.write(this.path));
      return work();
    };
    for (;;) {
      try {
        return this.#transaction(this.#isServing || this.#options.isMove ? work : checked, isRelaxed);
      } catch (error) {
        if (!isLocked(error) || this.#clock.monotonic() > giveUpAt) throw storeError(doing, error);
      }
      await this.#clock.sleep(LOCK_PAUSE_MS);
    }
  }

  #transaction<Result>(work: () => Result, isRelaxed = false): Result {
    if (isRelaxed) this.#db.exec("PRAGMA synchronous = NORMAL"); // no commit flushes the disk
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const result = work();
      this.#checkPlaces();
      const startedAt = this.#clock.monotonic();
      this.#db.exec("COMMIT");
      if (!isRelaxed) this.#options.onCommit?.(this.#clock.monotonic() - startedAt);
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      if (isRelaxed) this.#db.exec("PRAGMA synchronous = FULL");
    }
  }

  /** Nobody would find what is written to a file that was moved or deleted. */
  #checkPlaces(): void {
    for (const path of [this.path, `${this.path}-wal`]) {
      const now = statSync(path, { throwIfNoEntry: false });
      const place = this.#places.get(path) ?? now;
      if (now && now.ino === place?.ino && now.dev === place.dev) {
        this.#places.set(path, place);
        continue;
      }
      throw new StoreError(
        cannot("writeStore", ({ store }) => now ? store.replaced(path) : store.gone(path)),
        ({ store }) => store.putBack,
      );
    }
  }

  /**
   * Writes without changing anything.
   * @param roomBytes Room that the disk must also have: so small a write works where a larger one does not.
   */
  async probe(roomBytes: number): Promise<void> {
    const doing = "writeStore";
    await this.write(doing, () => this.#setVersion());
    if (roomBytes === 0) return;
    const { bavail, bsize } = this.read(() => statfsSync(this.path));
    if (bavail * bsize < roomBytes) {
      throw storeError(
        doing,
        new StoreFault(({ store }) => store.faults.full.problem, ({ store }) => store.faults.full.hint),
      );
    }
  }

  /** Frees some of the empty pages if they are at least a tenth of the file; returns whether they still are. */
  async shrink(): Promise<boolean> {
    if (!this.#isHollow()) return false;
    // `all`, since each page is a step of the statement, and Deno's `exec` takes only one.
    await this.write(
      "freeSpace",
      () => this.#db.prepare(`PRAGMA incremental_vacuum(${PAGES_FREED})`).all(),
    );
    return this.#isHollow();
  }

  #isHollow(): boolean {
    return this.read(() => Number(this.#pragma("freelist_count")) * 10 >= Number(this.#pragma("page_count")));
  }

  /** Size on disk, in bytes. */
  bytes(): number {
    const places = [this.path, `${this.path}-wal`];
    const sizes = this.read(() => places.map((place) => statSync(place, { throwIfNoEntry: false })?.size ?? 0));
    return sizes.reduce((sum, size) => sum + size);
  }

  /** The value of a pragma, in its single column. */
  #pragma(text: string): unknown {
    return Object.values(this.#db.prepare(`PRAGMA ${text}`).get()!)[0];
  }

  close(): void {
    this.#db?.close();
    this.#lock?.close();
  }
}
