/** Takes lanes over: what the store knows of how a lane was held, and of when attempts began in it, is its pace from now on. */

import type { LaneStore, Taking } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";
import { Lane } from "./lane.ts";
import { Pace } from "./pace.ts";
import type { StoreTime } from "./store_time.ts";

/** What was recorded may have begun so much later: its start and its end are whole milliseconds. */
const ROUNDED_MS = 2;

/** How lanes are taken over. */
export interface Start extends Pick<Taking, "seen"> {
  /** A circuit that is open begins with a probe. */
  probes: boolean;
  /** The previous process ended uncleanly. */
  wasUnclean: boolean;
}

/** A lane that was taken over. */
export interface TakenOver {
  lane: Lane;
  /** The previous owner ended uncleanly. */
  wasUnclean: boolean;
}

/**
 * Takes these lanes over.
 * @param token The owner's.
 * @param start How they are taken over.
 * @throws {StoreError} if the store cannot write now.
 */
export async function takeOver(
  lanes: ReadonlyMap<string, Target>,
  token: string,
  { probes, wasUnclean, seen }: Start,
  { store, time }: { store: LaneStore; time: StoreTime },
): Promise<Map<string, TakenOver>> {
  const rated = [...lanes].filter(([, { policy }]) => policy.rates.length > 0);
  const underway = new Map(rated.map(([name, { policy }]) => [name, policy.concurrency]));
  const owned = await store.own([...lanes.keys()], token, { underway, seen });
  return new Map([...owned].map(([name, { epoch, hold, starts, wasUnclean: ownWasUnclean = false }]) => {
    const pace = new Pace(lanes.get(name)!.policy, {
      hold: time.holdToMonotonic({ ...hold, openUntil: probes ? hold.openUntil && time.now() : hold.openUntil }),
      starts: starts.map((at) => time.toMonotonic(at + ROUNDED_MS)),
    });
    return [name, { lane: new Lane(epoch, pace), wasUnclean: wasUnclean || ownWasUnclean }];
  }));
}
