/** What a relay does on its own, under one owner: counting, retention, alarms. */

import { randomUUID } from "node:crypto";
import type { Alert } from "../alert.ts";
import { type Clock, within } from "../clock.ts";
import { OWN_LANE } from "../own_lane.ts";
import type { Store } from "../store/mod.ts";
import type { KeepPolicy } from "../store/upkeep.ts";
import { startAlarms } from "./alarms.ts";
import type { Counting } from "./counting.ts";
import { startRetention } from "./retention.ts";

/** A lane without deliveries: whoever owns it has the duties. */
const DUTIES = `${OWN_LANE}duties`;

/** How long giving the duties up may take, in milliseconds; a store that is locked does not do it. */
const GIVE_UP_MS = 1_000;

/** What duties need to know of the config of now. */
export interface DutiesConfig {
  keep: KeepPolicy;
  alerts: readonly Alert[];
}

/**
 * Takes the duties over, and begins with them.
 * @param config Asked each time, since a reload may change it.
 * @param wake Called with the target of a message that is to be delivered.
 * @returns What ends them, and resolves once they have ended.
 * @throws {StoreError} if the store cannot write now.
 */
export async function startDuties(
  store: Store,
  counting: Counting,
  config: () => DutiesConfig,
  wake: (target: string) => void,
  clock: Clock,
): Promise<() => Promise<void>> {
  const owned = await store.lanes.own([DUTIES], randomUUID());
  const stops = [
    counting.start(),
    startRetention(store.upkeep, () => config().keep, clock),
    startAlarms(store, () => config().alerts, wake, clock),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
    const epochs = [...owned.values()].map(({ epoch }) => epoch);
    await within(GIVE_UP_MS, store.lanes.giveUp(epochs), clock); // a store that cannot write has told so elsewhere
  };
}
