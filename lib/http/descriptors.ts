/** File descriptors, and how many this process may open: for connections, files and pipes. */

import { closeSync, openSync, readFileSync } from "node:fs";
import process from "node:process";

/** How many this process may have open; `Infinity` where the system does not tell. */
export function descriptorLimit(): number {
  if (process.platform !== "linux") return Infinity;
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return Number(soft ?? Infinity);
}

/** Whether one more can be opened now. */
export function isDescriptorLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch {
    return false;
  }
}

/** The number of a socket's descriptor, where the runtime shows it: the lowest that was free. */
export function descriptorOf(socket: object): number | undefined {
  return (socket as { _handle?: { fd?: number } })._handle?.fd;
}
