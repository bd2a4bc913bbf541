/** What several verbs need: the config option, input, output, a source. */

import { readFileSync } from "node:fs";
import process from "node:process";
import { stripVTControlCharacters } from "node:util";
import { Command, Option } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { ExitCode, messageOf, RelayError } from "../errors.ts";
import { unknownName } from "../options.ts";
import type { Source } from "../sources/source.ts";

/** Options of every verb that reads the config. */
export interface ConfigOptions {
  config: string;
}

/** Options of every verb that signs, checks or routes as one source does. */
export interface SourceOptions extends ConfigOptions {
  source?: string;
  json?: boolean;
}

const common = {
  config: new Option("--config <file>", "config file").env("RELAY_CONFIG").default("./relay.config.ts"),
  source: new Option("--source <name>", "which source's secret and path; default: the first one"),
  json: new Option("--json", "print JSON, for scripts"),
};

/** A verb with these of the options that several verbs share. */
export function verb(name: string, description: string, ...options: (keyof typeof common)[]): Command {
  const command = new Command(name).description(description);
  for (const option of options) command.addOption(common[option]);
  return command;
}

/** Prints lines to standard output. */
export function print(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** Rows as lines, each column as wide as its widest cell. */
export function table(rows: string[][]): string[] {
  const width = (text: string) => stripVTControlCharacters(text).length;
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, at) => Math.max(all[at] ?? 0, width(cell))), []);
  return rows.map((row) =>
    `  ${row.map((cell, at) => cell + " ".repeat(widths[at]! - width(cell))).join("  ")}`.trimEnd()
  );
}

const units = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]] as const;

/** How long ago, in its largest unit: `3 min ago`. */
export function ago(ms: number): string {
  const [size, unit] = units.find(([size]) => ms >= size) ?? [1_000, "s"];
  return `${Math.max(0, Math.floor(ms / size))} ${unit} ago`;
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
