/** Takes lanes over: what the store knows of how a lane was held, and of when attempts began in it, is its pace from now on. */

import type { LaneStore } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";
import { Lane } from "./lane.ts";
import { Pace } from "./pace.ts";
import type { StoreTime } from "./store_time.ts";

/** What was recorded may have begun so much later: its start and its end are whole milliseconds. */
const ROUNDED_MS = 2;

/**
 * Takes these lanes over.
 * @param token The owner's.
 * @param probes A circuit that is open begins with a probe.
 * @throws {StoreError} if the store cannot write now.
 */
export async function takeOver(
  lanes: ReadonlyMap<string, Target>,
  token: string,
  probes: boolean,
  { store, time }: { store: LaneStore; time: StoreTime },
): Promise<Map<string, Lane>> {
  const rated = [...lanes].filter(([, { policy }]) => policy.rates.length > 0);
  const underway = new Map(rated.map(([name, { policy }]) => [name, policy.concurrency]));
  const owned = await store.own([...lanes.keys()], token, underway);
  return new Map([...owned].map(([name, { epoch, hold, starts }]) => {
    const pace = new Pace(lanes.get(name)!.policy, {
      hold: time.holdToMonotonic({ ...hold, openUntil: probes ? hold.openUntil && time.now() : hold.openUntil }),
      starts: starts.map((at) => time.toMonotonic(at + ROUNDED_MS)),
    });
    return [name, new Lane(epoch, pace)];
  }));
}
