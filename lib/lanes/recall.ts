/** Brings forward what waits in a lane by rules of quiet hours and digests that its target no longer has. */

import { isOwnLane } from "../own_lane.ts";
import type { LaneStore } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";
import type { Lane } from "./lane.ts";
import type { StoreTime } from "./store_time.ts";
import { waitsAtMostUntil } from "./wait.ts";

/**
 * Makes due what waits longer than the present rules say; these decide about it anew.
 * @param targets By the name of the lane.
 * @returns The lanes in which something was.
 * @throws {StoreError} if the store cannot write now.
 */
export async function recallAll(
  lanes: Iterable<Lane>,
  targets: ReadonlyMap<string, Target>,
  { store, time }: { store: LaneStore; time: StoreTime },
): Promise<string[]> {
  const recalled: string[] = [];
  for (const { epoch, isLeaving } of lanes) {
    const target = targets.get(epoch.lane);
    if (!target || isLeaving || isOwnLane(epoch.lane)) continue;
    if (await store.recall(epoch, waitsAtMostUntil(target.policy, time.now())) > 0) recalled.push(epoch.lane);
  }
  return recalled;
}
