/** Where a config's store is, how it is opened, and who else may read it. */

import { lstatSync } from "node:fs";
import process from "node:process";
import { type Clock, systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/load.ts";
import { exposed, type PrivateFile } from "./exposure.ts";
import { log } from "./log.ts";
import { commitDuration } from "./metrics.ts";
import { Rights, rightsTo } from "./rights/mod.ts";
import type { Store } from "./store/mod.ts";
import { isPostgresUrl, parsePostgresUrl, type PostgresUrl } from "./store/postgres/url.ts";
import { openSqlite } from "./store/sqlite/mod.ts";
import { BESIDE } from "./store/sqlite/ordinary_file.ts";
import { placeOf } from "./store/sqlite/place.ts";
import type { TransferSide } from "./store/transfer.ts";
import type { ConfigWarning } from "./warnings.ts";

/** A store in a file of this machine. */
export interface StoreFile {
  /** Absolute path of the file. */
  file: string;
  /** The store as people are shown it: its path. */
  shown: string;
}

/** A store in a database. */
export interface StoreDatabase {
  database: PostgresUrl;
  /** The store as people are shown it: its URL without the password. */
  shown: string;
}

/** Where a store is. */
export type StorePlace = StoreFile | StoreDatabase;

/** Where the config's store is. */
export function storePlace({ config, folder }: Pick<LoadedConfig, "config" | "folder">): StorePlace {
  return storePlaceIn(folder, config.store);
}

/**
 * Where a store is that a config in this folder names so.
 * @throws {RelayError} if it is a URL that is not sound.
 */
export function storePlaceIn(folder: string, store: string): StorePlace {
  if (isPostgresUrl(store)) {
    const database = parsePostgresUrl(store, { folder });
    return { database, shown: database.masked };
  }
  const file = placeOf(store, {
    folder,
    stateDirectory: process.env.STATE_DIRECTORY,
    // Under `DynamicUser` the folder is a link to where only root can look.
    exists: (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  });
  return { file, shown: file };
}

/** The rights for a store: those of whoever else can change its file. A database does not ask who is root on this machine. */
export function rightsToStore(place: StorePlace): Rights {
  return "file" in place ? rightsTo(place.file) : new Rights();
}

/** What an operator should know of a config, and of the modes that its files and its store have now. */
export function warningsNow(loaded: LoadedConfig): ConfigWarning[] {
  const place = storePlace(loaded);
  const suffixes = "file" in place ? ["", ...BESIDE].map((suffix) => place.file + suffix) : [];
  const store = suffixes.map((file): PrivateFile => ({ path: "store", file, kind: "own" }));
  return [...loaded.warnings, ...exposed([...loaded.files, ...store])];
}

/** Opens the store that this config names. Root goes on with the rights of whoever else can change what lies there. */
export async function openStore(loaded: LoadedConfig): Promise<Store> {
  return await openStoreAt(storePlace(loaded));
}

/** Notes in the metrics how many milliseconds a commit took. */
const onCommit = (ms: number) => commitDuration.observe(ms / 1000);

/**
 * Opens the store at this place, as {@link openStore} does.
 * @param options.isMade Without it, a database in which there is no store is an error.
 */
export async function openStoreAt(place: StorePlace, { isMade = true } = {}): Promise<Store> {
  if ("file" in place) {
    rightsTo(place.file).take();
    return openSqlite(place.file, systemClock, {
      onCommit,
      onUpgrade: logUpgrade(systemClock),
    });
  }
  const { openPostgres } = await import("./store/postgres/mod.ts"); // with its driver: whoever has a file needs none
  return openPostgres(place.database, systemClock, { isMade, onCommit });
}

/**
 * Opens a store as one side of a move. The rights are the caller's to take.
 * @param isMade It is made if it is not there; without it that is an error of a database.
 */
export async function openTransfer(place: StorePlace, isMade: boolean): Promise<TransferSide> {
  if ("file" in place) {
    const { openSqliteTransfer } = await import("./store/sqlite/transfer.ts");
    return openSqliteTransfer(place.file, systemClock, { onUpgrade: logUpgrade(systemClock) });
  }
  const { openPostgresTransfer } = await import("./store/postgres/transfer.ts");
  return await openPostgresTransfer(place.database, isMade);
}

/** Pause between two lines about an upgrade, in milliseconds. */
const UPGRADE_PAUSE_MS = 2_000;

/** Tells how far it is with an older store that is brought up to date. */
function logUpgrade(clock: Clock): (part: number) => void {
  let toldAt = clock.monotonic();
  return (part) => {
    if (clock.monotonic() < toldAt + UPGRADE_PAUSE_MS && part < 1) return;
    toldAt = clock.monotonic();
    log.info("upgrading the store: {percent} %", { percent: Math.round(part * 100) });
  };
}
