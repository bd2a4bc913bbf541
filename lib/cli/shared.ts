/** What several verbs need: the config option, input, output, a source. */

import { readFileSync } from "node:fs";
import process from "node:process";
import { type Command, Option } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { ExitCode, messageOf, RelayError } from "../errors.ts";
import { unknownName } from "../options.ts";
import type { Source } from "../sources/source.ts";

/** Options of every verb that reads the config. */
export interface ConfigOptions {
  config: string;
}

/** Adds `--config` to a verb. */
export function withConfig(command: Command): Command {
  return command.addOption(
    new Option("--config <file>", "config file").env("RELAY_CONFIG").default("./relay.config.ts"),
  );
}

/** Adds `--json` to a verb. */
export function withJson(command: Command): Command {
  return command.option("--json", "print JSON, for scripts");
}

/** Adds `--source` to a verb. */
export function withSource(command: Command): Command {
  return command.option("--source <name>", "which source's secret and path; default: the first one");
}

/** Prints lines to standard output. */
export function print(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/**
 * The bytes of a file, or of standard input for `-`.
 * @throws {RelayError} if they cannot be read.
 */
export function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === "-" ? 0 : path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : messageOf(error);
    throw new RelayError(`Cannot read ${path === "-" ? "standard input" : path}: ${reason}`);
  }
}

/**
 * The source of this name, or the first one.
 * @throws {RelayError} if there is none of this name.
 */
export function sourceOf({ config }: LoadedConfig, name?: string): Source {
  const { sources } = config;
  const source = name === undefined ? sources[0] : sources.find((one) => one.name === name);
  if (source) return source;
  const known = sources.map((one) => one.name);
  throw new RelayError(
    `Cannot choose a source: ${unknownName("source", name ?? "", known)}`,
    undefined,
    ExitCode.usage,
  );
}
