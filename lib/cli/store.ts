/** The config's store, for verbs that read or change what is stored, whether `relay serve` runs or not. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { openStoreAt, rightsToStore, type StorePlace, storePlace, storePlaceIn } from "../store_place.ts";
import type { LoadedConfig } from "../config/load.ts";
import { DEFAULT_STORE } from "../config/store.ts";
import { ConfigError, ExitCode, messageOf, RelayError } from "../errors.ts";
import type { Language } from "../locale/mod.ts";
import { nearest } from "../nearest.ts";
import { lanesFor } from "../operator/hold.ts";
import { rightsHint } from "../rights/mod.ts";
import type { Store } from "../store/mod.ts";
import { refusalOf } from "../store/move.ts";
import type { PostgresUrl } from "../store/postgres/url.ts";
import { speakAs } from "./language.ts";
import { configOf, type ConfigOptions } from "./shared.ts";

/** A store that is open, and the config that names it. */
export interface OpenStore {
  store: Store;
  loaded: LoadedConfig;
  /** The store as people are shown it. */
  shown: string;
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
  try {
    return await inStoreOf(await configOf(options), work);
  } catch (error) {
    if (!(error instanceof ConfigError) || !existsSync(error.file)) throw error;
    throw new ConfigError(error.file, error.issues, error.told, ({ operate }) => operate.besideMistakes);
  }
}

/** As {@link withStore}, of a config that is loaded. */
export async function inStoreOf<Result>(
  loaded: LoadedConfig,
  work: (open: OpenStore) => Promise<Result>,
): Promise<Result> {
  const place = storePlace(loaded);
  rightsToStore(place).take();
  return await opened(place, (open) => work({ ...open, loaded }));
}

/** As {@link withStore}, for a verb that changes what is stored, which nobody does where the store is moved away. */
export async function withWritableStore<Result>(
  options: ConfigOptions,
  work: (open: OpenStore) => Promise<Result>,
): Promise<Result> {
  return await withStore(options, async (open) => {
    const mark = await open.store.moved();
    if (mark) throw refusalOf(mark, ({ store }) => store.doingTo.write(open.shown));
    return await work(open);
  });
}

/** As {@link withStore}, for a verb that writes something elsewhere afterwards: root is root again then. */
export async function fromStore<Result>(
  options: ConfigOptions,
  work: (open: OpenStore) => Promise<Result>,
): Promise<Result> {
  const loaded = await configOf(options);
  const place = storePlace(loaded);
  return await rightsToStore(place).during(() => opened(place, (open) => work({ ...open, loaded })));
}

async function opened<Result>(
  place: StorePlace,
  work: (open: Omit<OpenStore, "loaded">) => Promise<Result>,
): Promise<Result> {
  checkThere(place);
  const store = await openStoreAt(place, { isMade: false });
  try {
    return await work({ store, shown: place.shown });
  } finally {
    await store.close();
  }
}

/** A store that is open, and its config, or why that cannot be used. */
export type FoundStore = Pick<OpenStore, "store" | "shown"> & ({ loaded: LoadedConfig } | { error: ConfigError });

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
    return await inStoreOf(await configOf(options), work);
  } catch (problem) {
    if (!(problem instanceof ConfigError)) throw problem;
    error = problem;
  }
  speakAs(error.told);
  const place = findStore(resolve(options.config), error);
  if (place === undefined) throw error;
  rightsToStore(place).take();
  return await opened(place, (open) => work({ ...open, error }));
}

/** Where the store of a config is that cannot be used: a file only if there is one, a database in any case. */
function findStore(file: string, { told: { store } }: ConfigError): StorePlace | undefined {
  const written = store ?? writtenStore(file);
  const names = [...(written === undefined ? [] : [written]), ...(store === undefined ? [DEFAULT_STORE] : [])];
  for (const name of names) {
    const place = soundPlace(dirname(file), name);
    if (place && (!("file" in place) || existsSync(place.file))) return place;
  }
  return undefined;
}

function soundPlace(folder: string, name: string): StorePlace | undefined {
  try {
    return storePlaceIn(folder, name);
  } catch {
    return undefined;
  }
}

/** The store that stands in the text of a config which cannot be run, or in the variable that this names. */
function writtenStore(file: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
    const [, , literal] = /\bstore:\s*(["'`])((?:sqlite:|postgres(?:ql)?:\/\/).+?)\1/.exec(text) ?? [];
    const [, , variable] = /\bstore:\s*env\(\s*(["'`])(\w+)\1/.exec(text) ?? [];
    return literal ?? (variable === undefined ? undefined : process.env[variable] || undefined);
  } catch {
    return undefined;
  }
}

/**
 * Path of the config's store, for a verb that works on files alone.
 * @param elsewhere Why it cannot, where the store is a database.
 * @throws {RelayError} if it is a database, there is no store yet, or it cannot be reached.
 */
export async function storeFile(
  { config }: ConfigOptions,
  elsewhere: (database: PostgresUrl) => RelayError,
): Promise<string> {
  const place = storePlace(await configOf({ config }));
  if ("file" in place) return place.file;
  throw elsewhere(place.database);
}

/**
 * {@link storeFile}, of a store that is there.
 * @throws {RelayError} if there is none yet, or it cannot be reached.
 */
export async function storeFileThere(
  options: ConfigOptions,
  elsewhere: (database: PostgresUrl) => RelayError,
): Promise<string> {
  const file = await storeFile(options, elsewhere);
  const place = { file, shown: file };
  rightsToStore(place).use(() => checkThere(place));
  return file;
}

/** A verb makes no file. Whether there is a store in a database shows when it is read. */
export function checkThere(place: StorePlace): void {
  if (!("file" in place)) return;
  try {
    statSync(place.file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    const isForbidden = code === "EACCES";
    throw new RelayError(
      ({ operate: { store } }) =>
        store.cannotRead(place.file, isMissing ? store.missing : isForbidden ? store.forbidden : messageOf(error)),
      isMissing
        ? ({ operate: { store } }) => store.start
        : isForbidden
        ? rightsHint() ?? (({ operate: { store } }) => store.asRoot)
        : undefined,
    );
  }
}

/** The store's time, in Unix milliseconds; a database is asked for it. */
export async function timeNow(store: Store): Promise<number> {
  await store.moved();
  return store.time.now();
}

/**
 * The lanes of a target that a user named: one of the config, or one that the store still has deliveries for; or a
 * recipient of it, as lists show it.
 * @param verb What is to be done with it.
 * @throws {RelayError} if neither knows it.
 */
export async function lanesOfTarget(
  { store, loaded }: OpenStore,
  name: string,
  verb: keyof Language["operate"]["verbs"],
): Promise<string[]> {
  const { targets } = loaded.config;
  const lanes = await lanesFor(store, targets, name);
  if (lanes.length > 0) return lanes;
  throw unknownTarget(verb, name, [...targets.keys(), ...(await store.targets()).map((target) => target.name)]);
}

/** Says that there is no target of this name. @param known Names of those that there are. */
export function unknownTarget(
  verb: keyof Language["operate"]["verbs"],
  name: string,
  known: readonly string[],
): RelayError {
  const names = [...new Set(known)];
  const near = nearest(name, names);
  return new RelayError(
    ({ operate }) => operate.store.unknownTarget(operate.verbs[verb], name, names, near),
    undefined,
    ExitCode.usage,
  );
}
