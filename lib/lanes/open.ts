/** Which lanes are to be read now, and when there is something to do next. */

import type { Clock } from "../clock.ts";
import type { DueAsk } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";
import type { Caution } from "./caution.ts";
import type { Lane } from "./lane.ts";
import type { StoreTime } from "./store_time.ts";

/** The owned lanes, and what says whether something may start in them. */
export interface Openness {
  lanes: ReadonlyMap<string, Lane>;
  /** By the name of the lane. */
  targets: ReadonlyMap<string, Target>;
  caution: Caution;
  clock: Clock;
  time: StoreTime;
  mayBegin(lane: string): boolean;
}

/** What to read: of each lane that is open and has room, but nothing in memory that may start. */
export function asksOf(openness: Openness): DueAsk[] {
  return [...openness.lanes].flatMap(([name, lane]) => {
    const target = targetOf(name, lane, openness);
    if (!target || !isOpen(lane, target, openness)) return [];
    const ask = lane.ask(openness.time.now(), target.policy.digest?.max);
    return ask ? [ask] : [];
  });
}

/** When the first delivery is due in a lane that is open then, in monotonic milliseconds; `Infinity` if none will be. */
export function nextLookAt(openness: Openness): number {
  const { lanes, caution, clock, time } = openness;
  const now = clock.monotonic();
  let soonest = Infinity;
  for (const [name, lane] of lanes) {
    const opensAt = targetOf(name, lane, openness) && lane.pace.opensAt(now);
    if (opensAt === undefined || !lane.hasRoom) continue; // the next record wakes it
    const isReady = lane.next(caution.mayBegin) !== undefined || lane.isHungry;
    if (!isReady && lane.next()) continue; // caution wakes it when that may start
    const dueAt = isReady ? opensAt : lane.nextAt === undefined ? Infinity : time.toMonotonic(lane.nextAt);
    soonest = Math.min(soonest, Math.max(opensAt, dueAt));
  }
  return soonest;
}

/** The target of a lane in which something may start; of any other lane, something else wakes it. */
function targetOf(name: string, { isLeaving }: Lane, { targets, mayBegin }: Openness): Target | undefined {
  return !isLeaving && mayBegin(name) ? targets.get(name) : undefined;
}

/** Whether its pace has room, or something in it would be of no use by the time it opens again. */
function isOpen({ pace }: Lane, { expired }: Target, { clock }: Openness): boolean {
  const now = clock.monotonic();
  return pace.room(now) > 0 || (expired !== undefined && (pace.opensAt(now) ?? now) > now);
}
