/** Takes lanes over: a lane's pace resumes from what the store knows of its hold and of when its attempts started. */

import type { LaneStore, Taking } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";
import { Lane } from "./lane.ts";
import { Pace } from "./pace.ts";
import type { Wholes } from "./wholes.ts";
import type { StoreTime } from "./store_time.ts";

/** A recorded attempt may have started up to this much later, in milliseconds: its start and end are rounded. */
const ROUNDED_MS = 2;

/** How lanes are taken over. */
export interface Start extends Pick<Taking, "seen"> {
  /** An open circuit starts with a probe. */
  probes: boolean;
  /** The previous process ended uncleanly. */
  wasUnclean: boolean;
}

export interface TakenOver {
  lane: Lane;
  /** The previous owner ended uncleanly. */
  wasUnclean: boolean;
}

/**
 * Takes these lanes over.
 * @param token The owner's.
 * @throws {StoreError} if the store cannot write now.
 */
export async function takeOver(
  lanes: ReadonlyMap<string, Target>,
  token: string,
  { probes, wasUnclean, seen }: Start,
  { store, time, wholes }: { store: LaneStore; time: StoreTime; wholes: Wholes },
): Promise<Map<string, TakenOver>> {
  const rated = [...lanes].filter(([, { policy, whole }]) =>
    policy.rates.length + (whole?.policy.rates.length ?? 0) > 0
  );
  const underway = new Map(rated.map(([name, { policy }]) => [name, policy.concurrency]));
  const owned = await store.own([...lanes.keys()], token, { underway, seen });
  return new Map([...owned].map(([name, { epoch, hold, starts, wasUnclean: ownWasUnclean = false }]) => {
    const target = lanes.get(name)!;
    const pace = new Pace(target.policy, {
      whole: wholes.of(target),
      hold: time.holdToMonotonic({ ...hold, openUntil: probes ? hold.openUntil && time.now() : hold.openUntil }),
      starts: starts.map((at) => time.toMonotonic(at + ROUNDED_MS)),
    });
    return [name, { lane: new Lane(epoch, pace), wasUnclean: wasUnclean || ownWasUnclean }];
  }));
}
