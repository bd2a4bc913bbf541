/** The machine's start, which tells a program that ended without being asked to from a loss of power. */

import { readFileSync } from "node:fs";

/** What this start of the machine is called (proc(5), `random/boot_id`); `undefined` where it has no name. */
export function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}
