/** Writing a new config into a folder. */

import { closeSync, fchmodSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import typesText from "../../relay.d.ts" with { type: "text" };
import { RelayError, sayError } from "../errors.ts";
import type { Locale } from "../locale/mod.ts";
import { dotenvText, type Files } from "./files.ts";

/** Name of the config's file. */
export const CONFIG = "relay.config.ts";

/** Names of all files that a new config consists of. */
export const FILES = [CONFIG, "relay.d.ts", ".env"] as const;

/** A file that a config consists of; one that is not new was there, and is left as it was. */
export interface Written {
  name: string;
  path: string;
  isNew: boolean;
}

/**
 * Writes the files of a new config into a folder, which is made if it is not there.
 * @throws {RelayError} if they cannot be written.
 */
export function writeConfig(dir: string, { config, dotenv }: Files, locale: Locale): Written[] {
  const files = [
    { name: CONFIG, text: config, mode: 0o644 },
    { name: "relay.d.ts", text: typesText, mode: 0o644 },
    { name: ".env", text: dotenvText(dotenv, locale), mode: 0o600 },
  ];
  try {
    mkdirSync(dir, { recursive: true });
    return files.map(({ name, text, mode }) => {
      const path = join(dir, name);
      return { name, path, isNew: writeNew(path, text, mode) };
    });
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === "EEXIST"; // an existing folder is none of its mistakes
    throw new RelayError((words) => words.init.cannotWrite(dir, isFile ? words.init.isFile : sayError(error)(words)));
  }
}

/** Writes a file if there is none; says whether it did. */
function writeNew(path: string, text: string, mode: number): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  try {
    writeFileSync(descriptor, text);
    fchmodSync(descriptor, mode); // whatever the umask says; another file may lie at the path by now
    return true;
  } finally {
    closeSync(descriptor);
  }
}
