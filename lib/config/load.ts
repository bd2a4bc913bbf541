/** Loads a config file from disk. */

import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigError, type ConfigIssue } from "../errors.ts";
import type { PrivateFile } from "../exposure.ts";
import { importFresh, provideModule } from "../runtime.ts";
import { type Redact, redactor } from "../secret.ts";
import { isObject } from "../json.ts";
import type { Language } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { type ConfigWarning, issueOf } from "../warnings.ts";
import { type DotenvFile, readDotenv } from "./dotenv_file.ts";
import * as relayModule from "./mod.ts";
import { readConfigFile } from "./config_file.ts";
import { type Config, readConfig } from "./schema.ts";

/** A config that was loaded and is sound. */
export interface LoadedConfig {
  /** Absolute path of the file. */
  file: string;
  folder: string;
  config: Config;
  warnings: readonly ConfigWarning[];
  /** Files that hold its secrets, or could say something else in its place. */
  files: readonly PrivateFile[];
  /** Masks every secret of this config in a text. */
  redact: Redact;
  /** Variables of the `.env` beside it that the environment does not set. */
  dotenv: ReadonlyMap<string, string>;
}

/** Longest time that a config may take, in milliseconds. */
const MAX_LOAD_MS = 30_000;

/** A text of fewer characters may stand in a config by chance, and be no secret there. */
const MIN_KEY = 12;

/** Names of variables that came from a `.env`, so that the next load can take them back. */
let fromDotenv: string[] = [];

/**
 * Loads a config from disk, as it is now.
 * @param path Path of the file, relative to the working directory.
 * @throws {ConfigError} with every mistake in it.
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const file = resolve(path);
  const folder = dirname(file);
  const text = readConfigFile(file);
  const dotenvFile = readDotenv(folder);
  const dotenv = unset(dotenvFile);
  useDotenv({ dotenv });
  provideModule("relay", relayModule);
  const exported = await importDefault(file, text, redactor(valuesOf(dotenv, text)));
  const { config, issues, warnings, secrets, keys, files, told } = readConfig(exported, folder);
  const redact = redactor(secrets);
  if (!config) {
    const { withPlaces } = await import("./written/source.ts"); // with a parser: whoever has a sound config needs none
    const mistakes = [...dotenvFile.mistakes.map(issueOf), ...await withPlaces(file, text, issues, redact)];
    throw new ConfigError(file, mistakes, told);
  }
  const holdsSecret = keys.some((key) => key.length >= MIN_KEY && text.includes(key));
  const own: PrivateFile[] = [
    { path: basename(file), file, kind: holdsSecret ? "config with secret" : "config" },
    { path: ".env", file: join(folder, ".env"), kind: "own" },
  ];
  return {
    file,
    folder,
    config,
    warnings: [...dotenvFile.warnings, ...warnings],
    files: [...own, ...files],
    redact,
    dotenv,
  };
}

/**
 * Sets the variables of a config's `.env` and takes back those of another's: for who works with two configs, whose
 * functions may read them. {@link loadConfig} does so for the config that it loads.
 */
export function useDotenv({ dotenv }: Pick<LoadedConfig, "dotenv">): void {
  for (const name of fromDotenv) delete process.env[name];
  for (const [name, value] of dotenv) process.env[name] = value;
  fromDotenv = [...dotenv.keys()];
}

/** A value of fewer characters is a port or a switch rather than a secret. */
const MIN_SECRET = 8;

/**
 * What may be secrets in a `.env` and in variables that a config names, for who cannot know yet which of them the config
 * takes for one.
 */
function valuesOf(dotenv: ReadonlyMap<string, string>, text: string): string[] {
  const named = (text.match(/\w+/g) ?? []).flatMap((name) => process.env[name] ?? []);
  return [...dotenv.values(), ...named].filter(({ length }) => length >= MIN_SECRET);
}

/** What a config took too long for. */
class TooLong extends Error {}

async function importDefault(file: string, text: string, redact: Redact): Promise<object> {
  let module: { default?: unknown };
  const tooLong = new AbortController();
  try {
    module = await Promise.race([
      importFresh(file, "relay"),
      delay(MAX_LOAD_MS, undefined, { signal: tooLong.signal, ref: false }).then(() => {
        throw new TooLong();
      }),
    ]);
  } catch (error) {
    const issue: ConfigIssue = { path: "", message: ({ config }) => config.file.endless(MAX_LOAD_MS / 1000) };
    if (error instanceof TooLong) throw new ConfigError(file, [issue]);
    const { loadFaults } = await import("./written/load_fault.ts");
    throw new ConfigError(file, await loadFaults(error, file, text, Object.keys(relayModule), redact));
  } finally {
    tooLong.abort();
  }
  const { default: exported } = module;
  if (isObject(exported) && !(exported instanceof Promise)) return exported;
  const { withPlaces } = await import("./written/source.ts");
  throw new ConfigError(file, await withPlaces(file, text, [exportIssue(exported)], redact));
}

/** What is wrong with a default export that is no config. */
function exportIssue(exported: unknown): ConfigIssue {
  if (exported === undefined) return { path: "", message: ({ config }) => config.file.noExport };
  const message: Phrase = ({ config }) =>
    config.got(config.expected(config.expectations.defaultExport), foundKind(exported, config));
  if (exported instanceof Promise) return { path: "", message, hint: ({ config }) => config.file.awaitIt };
  if (typeof exported === "function") return { path: "", message, hint: ({ config }) => config.file.callIt };
  return { path: "", message };
}

function foundKind(value: unknown, { found, kinds }: Language["config"]): string {
  if (value instanceof Promise) return found.promise;
  if (Array.isArray(value)) return found.list;
  if (typeof value === "function") return found.callback;
  if (typeof value === "string") return kinds.text;
  return String(value);
}

/**
 * The variables of a `.env` that the environment does not set already. What systemd has set by its own reading of the same
 * file does not count, and is taken back.
 */
function unset({ variables, isFromSystemd }: DotenvFile): Map<string, string> {
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && isFromSystemd(name, value)) delete process.env[name];
  }
  const isSet = (name: string) => process.env[name] !== undefined && !fromDotenv.includes(name);
  return new Map([...variables].filter(([name]) => !isSet(name)).map(([name, { value }]) => [name, value]));
}
