/** Where a config's store lies, how it is opened, and who else may read it. */

import { lstatSync } from "node:fs";
import process from "node:process";
import { type Clock, systemClock } from "./clock.ts";
import type { LoadedConfig } from "./config/load.ts";
import { exposed, type PrivateFile } from "./exposure.ts";
import { log } from "./log.ts";
import { commitDuration } from "./metrics.ts";
import { rightsTo } from "./rights/mod.ts";
import type { Store } from "./store/mod.ts";
import { openSqlite } from "./store/sqlite/mod.ts";
import { BESIDE } from "./store/sqlite/ordinary_file.ts";
import { placeOf } from "./store/sqlite/place.ts";
import type { ConfigWarning } from "./warnings.ts";

/** Path of the store's file. */
export function storePath({ config, folder }: LoadedConfig): string {
  return storePathIn(folder, config.store);
}

/** Path of the file of a store that a config in this folder names so. */
export function storePathIn(folder: string, store: string): string {
  return placeOf(store, {
    folder,
    stateDirectory: process.env.STATE_DIRECTORY,
    // Under `DynamicUser` the folder is a link to where only root can look.
    exists: (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  });
}

/** What an operator should know of a config, and of the modes that its files and its store have now. */
export function warningsNow(loaded: LoadedConfig): ConfigWarning[] {
  const path = storePath(loaded);
  const store = ["", ...BESIDE].map((suffix): PrivateFile => ({
    path: "store",
    file: path + suffix,
    kind: "own",
  }));
  return [...loaded.warnings, ...exposed([...loaded.files, ...store])];
}

/** Opens the store that this config names. Root goes on with the rights of whoever else can change what lies there. */
export function openStore(loaded: LoadedConfig): Store {
  return openStoreAt(storePath(loaded));
}

/** Opens the store whose file lies there, as {@link openStore} does. */
export function openStoreAt(path: string): Store {
  rightsTo(path).take();
  return openSqlite(path, systemClock, {
    onCommit: (ms) => commitDuration.observe(ms / 1000),
    onUpgrade: logUpgrade(systemClock),
  });
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
