/** Turns errors of SQLite and the system into what a person is told. */

import { hintOf, messageOf, RelayError, sayError, StoreError } from "../../errors.ts";
import type { Language } from "../../locale/mod.ts";
import { rightsHint } from "../../rights/mod.ts";
import { cannot, type Doing, StoreFault } from "../fault.ts";

/** Whether another program holds the file, which is temporary. */
export function isLocked(error: unknown): boolean {
  return /locked|busy/.test(messageOf(error));
}

/** What could not be done, why, and what to do about it. */
export function storeError(doing: Doing, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const fault = faultOf(error);
  const phrase = fault instanceof StoreFault ? cannot(doing, sayError(fault)) : sayError(fault);
  return Object.assign(new StoreError(phrase, hintOf(fault)), { isHeld: isLocked(error) });
}

/** What is wrong, and what to do about it. An error that already says what could not be done is returned as it is. */
export function faultOf(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  const problem = messageOf(error);
  const [, name] = known.find(([said]) => said.test(problem)) ?? [];
  const denied = /EACCES|EPERM|readonly|unable to open/.test(problem) ? rightsHint() : undefined;
  const isOfSystem = /^E[A-Z]+$/.test((error as NodeJS.ErrnoException | undefined)?.code ?? "");
  return new StoreFault(
    name === undefined || isOfSystem ? sayError(error) : (words) => words.store.faults[name].problem,
    denied ?? (name && ((words) => words.store.faults[name].hint)),
  );
}

/** What SQLite or the system says, and the name of the fault's phrases. */
const known: [said: RegExp, name: keyof Language["store"]["faults"]][] = [
  [/not a database/, "foreign"],
  [/malformed|corrupt/, "corrupt"],
  [/locked|busy/, "locked"],
  [/full|no space/i, "full"],
  [/ENOENT|EISDIR|ENOTDIR/, "missing"],
  [/readonly|read-only|EROFS/, "readOnly"],
  [/unable to open/, "unopened"],
  [/I\/O/i, "disk"],
  [/EACCES|EPERM|denied/i, "denied"],
];

/** @param found What SQLite's check reports. */
export function corruptBy(found: unknown): StoreFault {
  return new StoreFault(({ store }) => store.corrupt(String(found)), ({ store }) => store.faults.corrupt.hint);
}
