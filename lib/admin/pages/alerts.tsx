/** @jsxImportSource hono/jsx */
/** The alerts: which the config has, and which are on. */

import { alarmData, type Alert } from "../../alert.ts";
import type { Alarm } from "../../operator/alarms_on.ts";
import type { AlarmData } from "../../alarm.ts";
import { Mark, Prose, Row, Table, Time } from "./parts.tsx";
import type { View } from "./view.ts";

/** The alerts that are on. @param count How many alerts the config has. */
export function AlertsSection({ view, alarms, count }: { view: View; alarms: readonly Alarm[]; count: number }) {
  const { alerts } = view.words;
  const head = [alerts.alert, alerts.since, alerts.to];
  return (
    <section id="alerts" data-live>
      <h2>{alerts.title}</h2>
      {alarms.length === 0
        ? <p class="muted">{count === 0 ? alerts.none : alerts.quiet(count)}</p>
        : (
          <Table caption={alerts.title} isCaptionHidden head={head}>
            {alarms.map((alarm) => (
              <Row
                head={head}
                cells={[
                  <Mark tone="bad">
                    <span>
                      <Prose text={textOf(view, alarm)} />
                    </span>
                  </Mark>,
                  <Time view={view} at={alarm.since} />,
                  alarm.to,
                ]}
              />
            ))}
          </Table>
        )}
    </section>
  );
}

/** The alerts of a config. */
export function AlertTable({ view, alerts }: { view: View; alerts: readonly Alert[] }) {
  const { alerts: words } = view.words;
  const head = [words.alert, words.to];
  return (
    <Table caption={words.title} isCaptionHidden head={head}>
      {alerts.map((alert) => (
        <Row head={head} cells={[<Prose text={textOf(view, alarmData(alert, 0))} />, view.clean(alert.to)]} />
      ))}
    </Table>
  );
}

/** When an alert is on. */
function textOf({ words: { alerts } }: View, data: AlarmData): string {
  if (data.alarm === "dead") return alerts.dead(data.limit);
  if (data.alarm === "silent") return alerts.silent(data.pattern, data.forMs);
  return alerts.refused(data.limit, data.withinMs);
}
