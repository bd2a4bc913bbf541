/** What SQLite and the system say of a store, as a person is told it. */

import { messageOf, RelayError, StoreError } from "../../errors.ts";
import { rightsHint } from "../../rights/mod.ts";

/** Whether another program holds the file, which passes. */
export function isLocked(error: unknown): boolean {
  return /locked|busy/.test(messageOf(error));
}

/** What could not be done, why, and what to do about it. */
export function storeError(doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof RelayError) return new StoreError(error.message, error.hint);
  const problem = messageOf(error);
  const denied = /EACCES|EPERM|readonly|unable to open/.test(problem) ? rightsHint() : undefined;
  const hint = denied ?? hints.find(([words]) => words.test(problem))?.[1];
  return Object.assign(new StoreError(`Cannot ${doing}: ${problem}`, hint), { isHeld: isLocked(error) });
}

/** What to do, by what SQLite or the system says. */
const hints: [words: RegExp, hint: string][] = [
  [
    /not a database|malformed|corrupt/,
    "keep a copy of the file, then restore a backup, or name another `store` in the config",
  ],
  [/newer relay/, "install the newer relay"],
  [/locked|busy/, "another program holds the file; stop it, or wait until it is done"],
  [/full|no space/i, "make room on the disk"],
  [
    /ENOENT|EISDIR|ENOTDIR|no ordinary file/,
    "put the file and its folder back, or name another file as the `store` in the config",
  ],
  [
    /EACCES|EPERM|EROFS|readonly|read-only|unable to open|denied|I\/O/i,
    "see that the disk works, and that this user can write to the file and its folder, as the service's own and root can",
  ],
];
