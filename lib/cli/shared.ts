/** What several verbs need: the config option, input, output, a source. */

import { readFileSync } from "node:fs";
import process from "node:process";
import { type Command, Option } from "commander";
import { localeNames } from "../locale/mod.ts";
import type { LoadedConfig } from "../config/load.ts";
import { ExitCode, RelayError, sayError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { maskRecipients } from "../recipient.ts";
import type { Source } from "../sources/source.ts";
import { Verb } from "./command.ts";
import { speakAs, words } from "./language.ts";
import { wrapped } from "./terminal.ts";

/** Options of every verb that reads the config. */
export interface ConfigOptions {
  config: string;
}

/**
 * Loads the config that the options name, and goes on in its language.
 * @throws {ConfigError} with every mistake in it.
 */
export async function configOf({ config }: ConfigOptions): Promise<LoadedConfig> {
  const { loadConfig } = await import("../config/load.ts"); // with all that a config can say
  const loaded = await loadConfig(config);
  speakAs(loaded.config);
  return loaded;
}

/** Options of every verb that signs, checks or routes as one source does. */
export interface SourceOptions extends ConfigOptions {
  source?: string;
  json?: boolean;
}

const common = {
  config: () => new Option("--config <file>", words.cli.config).env("RELAY_CONFIG").default("./relay.config.ts"),
  source: () => new Option("--source <name>", words.cli.source),
  json: () => new Option("--json", words.cli.json),
};

/** A verb that takes `--locale`, and these of the options that several verbs share. */
export function verb(name: string, description: string, ...options: (keyof typeof common)[]): Command {
  const command = new Verb(name).description(description);
  for (const option of options) command.addOption(common[option]());
  return command.addOption(new Option("--locale <locale>", words.cli.locale).choices(localeNames));
}

/** Prints lines for a person to standard output; of recipients they show the last digits alone. */
export function print(...lines: string[]): void {
  write(...lines.map(maskRecipients));
}

function write(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** Writes sentences to standard output; on a terminal they break between words. */
export function say(...sentences: string[]): void {
  print(...sentences.flatMap((one) => wrapped(one, "  ")));
}

/**
 * A value as JSON, without what could command a terminal or have it show a line in another order than it was written: of
 * control characters, `JSON.stringify` escapes the first 32 only.
 * @param redact Masks secrets.
 * @param indent Spaces; 0 puts all of it on one line.
 */
export function jsonText(value: unknown, redact = (text: string) => text, indent = 2): string {
  const text = redact(JSON.stringify(value, null, indent));
  return text.replaceAll(
    /[\x7f-\x9f\p{Bidi_Control}]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Prints a value as JSON, as {@link jsonText} writes it. */
export function printJson(value: unknown, redact?: (text: string) => string, indent?: number): void {
  write(jsonText(value, redact, indent));
}

/**
 * The bytes of a file, or of standard input for `-`.
 * @throws {RelayError} if they cannot be read.
 */
export function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === "-" ? 0 : path));
  } catch (error) {
    throw new RelayError((words) =>
      words.cli.cannotRead(path === "-" ? words.cli.standardInput : path, sayError(error)(words))
    );
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
    ({ cli }) => cli.unknownSource(name ?? "", known, nearest(name ?? "", known)),
    undefined,
    ExitCode.usage,
  );
}
