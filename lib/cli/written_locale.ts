/** The language of a config, as far as its text alone tells: help and wrong usage come before a config is loaded. */

import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { type Locale, localeNames } from "../locale/mod.ts";

/** The name that a config has by default. */
const DEFAULT_NAME = "./relay.config.ts";

/** A longer text is no config, in bytes. */
const MAX_BYTES = 1024 ** 2;

/** @param args What stands after the program's name: `--config` may be among it. */
export function writtenLocale(args: readonly string[]): Locale | undefined {
  const at = args.findIndex((one) => one === "--config" || one.startsWith("--config="));
  const given = at < 0 ? undefined : args[at]!.slice("--config=".length) || args[at + 1];
  const text = textOf(given || process.env.RELAY_CONFIG || DEFAULT_NAME).replaceAll(/^\s*\/\/.*$/gm, "");
  const [, name] = /\blocale:\s*["']([\w-]+)["']/.exec(text) ?? [];
  return localeNames.find((one) => one === name);
}

/** What cannot be read is told of by whoever loads the config. */
function textOf(file: string): string {
  try {
    const stats = statSync(file);
    return stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}
