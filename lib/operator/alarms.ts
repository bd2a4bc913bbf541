/** Which alarms are on. */

import { alarmData, type Alert, keyOf } from "../alert.ts";
import type { AlarmData } from "../own_event.ts";
import type { Store } from "../store/mod.ts";

/** An alarm that is on, and the target that was told. */
export type Alarm = AlarmData & { to: string };

/** The alarms of the config's alerts that are on, in the order of the config. */
export async function alarmsOn(store: Store, alerts: readonly Alert[]): Promise<Alarm[]> {
  const states = await store.alarms.states();
  return alerts.flatMap((alert) => {
    const since = states.get(keyOf(alert))?.since;
    return since === undefined ? [] : [{ ...alarmData(alert, since), to: alert.to }];
  });
}
