/** How the relay and its targets are now, for API, pages and readiness. */

import { type Alarm, alarmsOn } from "../operator/alarms_on.ts";
import { REFUSED_SPAN_MS, type RefusedView, refusedView, type ReloadView, runView } from "../operator/run.ts";
import { type Relays, relaysOf } from "../operator/relays.ts";
import { knownTargets, type Status, statuses } from "../operator/status.ts";
import { lanesOfAll } from "../targets/target.ts";
import type { AdminContext } from "./context.ts";

/** What is wrong with the relay as a whole. */
export interface Trouble {
  reload: ReloadView | null;
  /** Requests that were refused within the last hour. */
  refusals: RefusedView[];
  alarms: Alarm[];
  /** Absent where the store is for one relay alone. */
  relays?: Relays;
}

/** What is wrong with the relay as a whole now. */
export async function troubleNow({ store, loaded, reporter }: AdminContext): Promise<Trouble> {
  const found = await relaysOf(store);
  return {
    reload: runView(reporter.run, true).reload,
    refusals: refusedView(await reporter.refused(store.time.now() - REFUSED_SPAN_MS)),
    alarms: await alarmsOn(store, loaded().config.alerts),
    ...(found && { relays: found.relays }),
  };
}

/** A target's status, and what the config says that it is. */
export interface ShownTarget extends Status {
  kind: string | null;
  address: string | null;
}

/** Every target as it is now. */
export async function targetsNow({ store, loaded }: AdminContext): Promise<ShownTarget[]> {
  const { config: { targets } } = loaded();
  const views = await store.targets();
  const lanes = lanesOfAll(targets.values());
  return statuses(views, knownTargets(targets), store.time.now()).map((one) => {
    const target = lanes.get(one.name);
    return { ...one, kind: target?.kind ?? null, address: target?.address ?? null };
  });
}
