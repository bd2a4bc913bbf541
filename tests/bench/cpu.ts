/** CPU that processes have used, as Linux counts it. */

import { readdirSync, readFileSync } from "node:fs";

/** Linux counts in these. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of CPU, user and system, that these processes have used, with their children: those that live, and those that
 * were waited for. `undefined` where there is no Linux to ask.
 */
export function cpuSeconds(pids: readonly number[]): number | undefined {
  const ticks = pids.map(ticksOf);
  return ticks.includes(undefined) ? undefined : sum(ticks as number[]) / TICKS_PER_SECOND;
}

function ticksOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name before may hold spaces. Fields 14 to 17 of proc(5): utime, stime, cutime, cstime.
  const own = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15).map(Number);
  return sum([...own, ...childrenOf(pid).map((child) => ticksOf(child) ?? 0)]);
}

/** Children of a process that live. */
export function childrenOf(pid: number): number[] {
  const threads = orGone(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const children = threads.map((thread) => read(`/proc/${pid}/task/${thread}/children`) ?? "");
  return children.join("").split(" ").filter((child) => child !== "").map(Number);
}

function read(path: string): string | undefined {
  return orGone(() => readFileSync(path, "utf8"));
}

/** A process, or a thread, may end while it is asked about. */
function orGone<Result>(ask: () => Result): Result | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
