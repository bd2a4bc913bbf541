/** Loads a config file from disk. */

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigError, messageOf, RelayError } from "../errors.ts";
import type { PrivateFile } from "../exposure.ts";
import { importFresh, provideModule } from "../runtime.ts";
import { type Redact, redactor } from "../secret.ts";
import type { ConfigWarning } from "../warnings.ts";
import { type DotenvFile, readDotenv } from "./dotenv_file.ts";
import * as relayModule from "./mod.ts";
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
  if (!existsSync(file)) {
    throw new ConfigError(file, [{ path: "", message: "there is no such file; `relay init` writes one" }]);
  }
  const dotenvFile = readDotenv(folder);
  const dotenv = unset(dotenvFile);
  useDotenv({ dotenv });
  provideModule("relay", relayModule);
  const exported = await importDefault(file);
  const { config, issues, warnings, secrets, keys, files, told } = readConfig(exported, folder);
  const redact = redactor(secrets);
  if (!config) {
    throw new ConfigError(file, issues.map(({ path, message }) => ({ path, message: redact(message) })), told);
  }
  const text = readFileSync(file, "utf8");
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

async function importDefault(file: string): Promise<unknown> {
  let module: { default?: unknown };
  const tooLong = new AbortController();
  try {
    module = await Promise.race([
      importFresh(file, "relay"),
      delay(MAX_LOAD_MS, undefined, { signal: tooLong.signal, ref: false }).then(() => {
        throw new Error(`it had not come to its end after ${MAX_LOAD_MS / 1000} s; what does it \`await\`?`);
      }),
    ]);
  } catch (error) {
    const mistakes = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error];
    throw new ConfigError(file, mistakes.map((one) => ({ path: "", message: explain(one) })));
  } finally {
    tooLong.abort();
  }
  if (typeof module.default !== "object" || module.default === null) {
    throw new ConfigError(file, [{ path: "", message: "expected `export default defineConfig({ … })`" }]);
  }
  return module.default;
}

/** What is wrong with a config that cannot be imported, and where, as far as the runtime says. */
function explain(error: unknown): string {
  const position = (error as { position?: { file: string; line: number; column: number } } | null)?.position;
  const place = position ? ` (${position.file}, line ${position.line}, column ${position.column})` : "";
  const hint = error instanceof RelayError && error.hint ? `; ${error.hint}` : "";
  return messageOf(error) + place + hint;
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
