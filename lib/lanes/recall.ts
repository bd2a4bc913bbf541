/** Brings forward what waits in lanes by rules of quiet hours and digests that their targets no longer have. */

import { isOwnLane } from "../own_lane.ts";
import type { LaneStore } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";
import type { Lane } from "./lane.ts";
import type { Postponer } from "./postpone.ts";
import type { StoreTime } from "./store_time.ts";
import { waitsAtMostUntil } from "./wait.ts";

/** What a recall needs. */
export interface RecallTools {
  store: LaneStore;
  time: StoreTime;
  postponer: Postponer;
  /** Called with the lanes in which more is due. */
  wake(lanes: Iterable<string>): void;
}

/**
 * Makes due what waits longer than the present rules say; these decide about it anew.
 * @param targets By the name of the lane.
 * @throws {StoreError} if the store cannot write now.
 */
export async function recall(
  lanes: readonly Lane[],
  targets: ReadonlyMap<string, Target>,
  { store, time, postponer, wake }: RecallTools,
): Promise<void> {
  await postponer.settled(); // by the rules before
  for (const { epoch, isLeaving } of lanes) {
    const { lane } = epoch;
    const target = targets.get(lane);
    if (!target || isLeaving || isOwnLane(lane)) continue;
    if (await store.recall(epoch, waitsAtMostUntil(target.policy, time.now())) > 0) wake([lane]);
  }
}
