/** Who runs database servers in tests: they refuse to run as root. */

import { chownSync } from "node:fs";
import process from "node:process";

/** Number of the user `nobody`, and of its group, which every system has. */
const NOBODY = 65_534;

const isRoot = process.getuid?.() === 0;

/** The command as a user that is not root. It takes the place of what it is started by, so that its pid is the child's. */
export function withoutRoot(command: readonly string[]): [string, ...string[]] {
  const become = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
  const [program, ...args] = isRoot ? [...become, ...command] : command;
  return [program!, ...args];
}

/** Gives a file or a folder to the user of {@link withoutRoot}. */
export function giveAway(path: string): void {
  if (isRoot) chownSync(path, NOBODY, NOBODY);
}
