/** Holding a target's deliveries, and letting them go: in all lanes of the target, or in that of one recipient. */

import { lanesNamed } from "../recipient.ts";
import type { Store } from "../store/mod.ts";
import { lanesOfAll, type Target } from "../targets/target.ts";

/** What was done. */
export interface Held {
  /** Whether that is new in any of the lanes. */
  changed: boolean;
  /** Deliveries that wait there. */
  waiting: number;
}

/**
 * The lanes that a name stands for: of the config's targets, else of those that only the store knows. Empty if there are
 * none.
 */
export async function lanesFor(
  store: Pick<Store, "targets">,
  targets: ReadonlyMap<string, Target>,
  name: string,
): Promise<string[]> {
  const lanes = lanesNamed(name, lanesOfAll(targets.values()).keys());
  return lanes.length > 0 ? lanes : lanesNamed(name, (await store.targets()).map((one) => one.name));
}

/** Holds these lanes until they are resumed. */
export async function pause(store: Store, lanes: readonly string[]): Promise<Held> {
  return await each(store, lanes, (lane) => store.pause(lane, store.time.now()));
}

/** Lets these lanes' deliveries go again. */
export async function resume(store: Store, lanes: readonly string[]): Promise<Held> {
  return await each(store, lanes, (lane) => store.resume(lane));
}

async function each(store: Store, lanes: readonly string[], act: (lane: string) => Promise<boolean>): Promise<Held> {
  let changed = false;
  for (const lane of lanes) changed = await act(lane) || changed;
  return { changed, waiting: await store.upkeep.backlog(lanes) };
}
