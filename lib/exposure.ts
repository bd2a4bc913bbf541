/** Files with secrets or events that every user of this machine can read, or change. */

import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { type ConfigWarning, shellPath, type Warning } from "./warnings.ts";

/** A file that is nobody else's business. */
export interface PrivateFile {
  /** What the config calls it: a path in the config, or the file's own name. */
  path: string;
  /** Absolute path of the file; it need not be there. */
  file: string;
  /**
   * `own`: the relay and those that start it are all that read it. `named`: the config names it, and whoever runs as a
   * service may be unable to read a file of another owner. `config`: it says what is done, and holds no secret.
   * `config with secret`: it holds one besides.
   */
  kind: "own" | "named" | "config" | "config with secret";
}

/** What container engines mount there has the mode that they give it, and is the container's alone. */
const MOUNTED = "/run/secrets/";

/** Bits of a mode that let others read and change a file, and look into a folder. */
const [READ, WRITE, ENTER] = [0o4, 0o2, 0o1];

/** A warning for each of these files that is open to every user. On Windows there are no modes to tell by. */
export function exposed(files: readonly PrivateFile[]): ConfigWarning[] {
  if (process.platform === "win32") return [];
  return files.flatMap(({ path, file, kind }) => {
    const mode = file.startsWith(MOUNTED) ? 0 : modeForOthers(file);
    const warning = warningOf(file, mode, kind);
    return warning ? [{ path, warning }] : [];
  });
}

function warningOf(file: string, mode: number, kind: PrivateFile["kind"]): Warning | undefined {
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  if (mode & WRITE) return (words) => words.changeable(file, octal, shellPath(file));
  if (!(mode & READ) || kind === "config") return undefined;
  if (kind === "config with secret") return (words) => words.readableConfig(file, octal);
  return (words) => words.readable(file, octal, shellPath(file)) + (kind === "named" ? words.asService : "");
}

/** The mode of what lies there, or is linked to; 0 if it is not there, or in a folder into which others cannot look. */
function modeForOthers(path: string): number {
  try {
    const file = realpathSync(path);
    for (let folder = dirname(file), inner = file; folder !== inner; inner = folder, folder = dirname(folder)) {
      if (!(statSync(folder).mode & ENTER)) return 0;
    }
    return statSync(file).mode;
  } catch {
    return 0;
  }
}
