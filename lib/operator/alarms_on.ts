/** Which alarms are on. */

import { alarmData, type Alert, alertOf, keyOf } from "../alert.ts";
import type { AlarmData } from "../alarm.ts";
import type { Store } from "../store/mod.ts";

/** An alarm that is on, and the target that was told. */
export type Alarm = AlarmData & { to: string };

/** The alarms that are on of the config's alerts, in their order; without a config, of those that were watched last. */
export async function alarmsOn(store: Store, alerts?: readonly Alert[]): Promise<Alarm[]> {
  const states = await store.alarms.states();
  return (alerts ?? [...states.keys()].flatMap((key) => alertOf(key) ?? [])).flatMap((alert) => {
    const since = states.get(keyOf(alert))?.since;
    return since === undefined ? [] : [{ ...alarmData(alert, since), to: alert.to }];
  });
}
