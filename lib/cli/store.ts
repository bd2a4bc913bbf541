/** The config's store, for verbs that read or change what is stored, whether `relay serve` runs or not. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { openStore, openStoreAt, storePath, storePathIn } from "../store_place.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { ConfigError, ExitCode, messageOf, RelayError } from "../errors.ts";
import { type IdBytes, parseId } from "../id.ts";
import { visible } from "../log.ts";
import { unknownName } from "../options.ts";
import { rightsHint, rightsTo } from "../rights/mod.ts";
import type { Store } from "../store/mod.ts";
import type { ConfigOptions } from "./shared.ts";

/** A store that is open, and the config that names it. */
export interface OpenStore {
  store: Store;
  loaded: LoadedConfig;
  /** Path of the store's file. */
  path: string;
}

/**
 * Opens the config's store, does the work of a verb, and closes the store. Root has no more rights from then on than whoever
 * else can change what lies there.
 * @throws {RelayError} if there is no store yet, or it cannot be reached: a verb makes none.
 */
export async function withStore<Result>(
  options: ConfigOptions,
  work: (open: OpenStore) => Promise<Result>,
): Promise<Result> {
  const loaded = await loadConfig(options.config);
  rightsTo(storePath(loaded)).take();
  return await opened(loaded, work);
}

/** As {@link withStore}, for a verb that writes something elsewhere afterwards: root is root again then. */
export async function fromStore<Result>(
  options: ConfigOptions,
  work: (open: OpenStore) => Promise<Result>,
): Promise<Result> {
  const loaded = await loadConfig(options.config);
  return await rightsTo(storePath(loaded)).during(() => opened(loaded, work));
}

async function opened<Result>(loaded: LoadedConfig, work: (open: OpenStore) => Promise<Result>): Promise<Result> {
  const path = storePath(loaded);
  checkThere(path);
  const store = openStore(loaded);
  try {
    return await work({ store, loaded, path });
  } finally {
    await store.close();
  }
}

/** A store that is open, and its config, or why that cannot be used. */
export type FoundStore = Pick<OpenStore, "store" | "path"> & ({ loaded: LoadedConfig } | { error: ConfigError });

/**
 * Does as {@link withStore} does, also where the config is not sound: then the store is the one that the config names in
 * spite of its mistakes, or the default one.
 * @throws {ConfigError} if the config is not sound, and there is no store either.
 */
export async function withFoundStore<Result>(
  options: ConfigOptions,
  work: (found: FoundStore) => Promise<Result>,
): Promise<Result> {
  let error: ConfigError;
  try {
    return await withStore(options, work);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    error = problem;
  }
  const path = findStore(resolve(options.config), error);
  if (path === undefined) throw error;
  rightsTo(path).take();
  checkThere(path);
  const store = openStoreAt(path);
  try {
    return await work({ store, path, error });
  } finally {
    await store.close();
  }
}

/** Path of the store of a config that cannot be used, if there is one. */
function findStore(file: string, { store }: ConfigError): string | undefined {
  const written = store === undefined ? writtenStore(file) : undefined;
  const names = store === undefined ? [...(written === undefined ? [] : [written]), "sqlite:relay.db"] : [store];
  return names.map((name) => storePathIn(dirname(file), name)).find((path) => existsSync(path));
}

/** The store that stands in the text of a config which cannot be run. */
function writtenStore(file: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
    return /\bstore:\s*(["'`])(sqlite:.+?)\1/.exec(text)?.[2];
  } catch {
    return undefined;
  }
}

/**
 * Path of the config's store.
 * @throws {RelayError} if there is none yet, or it cannot be reached.
 */
export async function storeThere(options: ConfigOptions): Promise<string> {
  const path = storePath(await loadConfig(options.config));
  rightsTo(path).use(() => checkThere(path));
  return path;
}

function checkThere(path: string): void {
  try {
    statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const [reason, hint] = code === "ENOENT" || code === "ENOTDIR"
      ? ["there is none yet", "start `relay serve`"]
      : code === "EACCES"
      ? ["this user may not look there", rightsHint() ?? "run this as root, or as the user of the service"]
      : [messageOf(error), undefined];
    throw new RelayError(`Cannot read the store ${path}: ${reason}`, hint);
  }
}

/**
 * Checks the name of a target that a user gave: one of the config, or one that the store still has deliveries for.
 * @param doing Words for the error: what is to be done with it.
 * @throws {RelayError} if neither knows it.
 */
export async function checkTarget({ store, loaded }: OpenStore, name: string, doing: string): Promise<void> {
  if (loaded.config.targets.has(name)) return;
  const stored = (await store.targets()).map((target) => target.name);
  if (stored.includes(name)) return;
  const known = [...new Set([...loaded.config.targets.keys(), ...stored])];
  throw new RelayError(`Cannot ${doing}: ${unknownName("target", name, known)}`, undefined, ExitCode.usage);
}

/**
 * Reads ids as a user gave them, each once.
 * @param doing Words for the error: what is to be done with them.
 * @throws {RelayError} if one of them is none.
 */
export function idsOf(texts: readonly string[], doing: string): IdBytes[] {
  return [...new Set(texts.map((text) => text.toLowerCase()))].map((text) => {
    const id = parseId(text);
    if (id) return id;
    throw new RelayError(`Cannot ${doing} "${visible(text)}": this is no id`, "`relay events` shows the ids of events");
  });
}
