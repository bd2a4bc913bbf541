/** Reads the text of a config file, and says what is wrong with a file that cannot be one. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { ConfigError, type ConfigIssue, messageOf } from "../errors.ts";
import type { Language } from "../locale/mod.ts";

/** The name that a config has by default. */
const DEFAULT_NAME = "relay.config.ts";

/**
 * The text of a config file, without a byte order mark.
 * @throws {ConfigError} if it is not there, cannot be read, or is not a text.
 */
export function readConfigFile(file: string): string {
  const fail = (
    message: (words: Language["config"]["file"]) => string,
    hint?: (words: Language["config"]["file"]) => string,
  ): never => {
    const issue: ConfigIssue = { path: "", message: ({ config }) => message(config.file) };
    throw new ConfigError(file, [hint ? { ...issue, hint: ({ config }) => hint(config.file) } : issue]);
  };
  let bytes: Uint8Array;
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) {
      const inside = join(file, DEFAULT_NAME);
      return fail(
        (words) => words.folder,
        existsSync(inside) ? (words) => words.useInstead(relative("", inside)) : (words) => words.initThere,
      );
    }
    if (!stats.isFile()) return fail((words) => words.notAFile);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return fail((words) => words.missing, (words) => words.missingHint);
    if (code === "EACCES" || code === "EPERM") return fail((words) => words.noAccess);
    return fail((words) => words.unreadable(messageOf(error)));
  }
  if (bytes.includes(0)) return fail((words) => isUtf16(bytes) ? words.notUtf8 : words.binary);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail((words) => isUtf16(bytes) ? words.notUtf8 : looksBinary(bytes) ? words.binary : words.notUtf8);
  }
  return text.trim() === "" ? fail((words) => words.empty) : text;
}

/** Whether it begins as Windows begins a text that it calls Unicode. */
function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** Whether there are bytes that no text has, in any encoding. */
function looksBinary(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b));
}
