/** @jsxImportSource hono/jsx */
/** Every target in a row: its state, what waits, and its last 24 hours. */

import type { ActivitySummary } from "../../operator/activity.ts";
import type { Status } from "../../operator/status.ts";
import { SmallChart } from "./chart.tsx";
import { hoursOf, latencyOf } from "./day.ts";
import { MaybeTime, Nothing, Row, State, Table } from "./parts.tsx";
import type { View } from "./view.ts";

/** The targets; each leads to its place on the page of targets. */
export function TargetTable(
  { view, statuses, day }: { view: View; statuses: readonly Status[]; day: ActivitySummary },
) {
  const { words, format } = view;
  const { targets } = words;
  const head = [
    targets.name,
    targets.state,
    targets.backlog,
    words.nav.dead,
    targets.lastSuccess,
    words.overview.last24,
    targets.rate,
    targets.latency,
  ];
  const nothing = <Nothing word={words.none} />;
  return (
    <Table caption={targets.title} isCaptionHidden head={head} name="targets">
      {statuses.map(({ name, state, pending, inFlight, dead, lastDeliveredAt }) => {
        const own = day.targets.get(name);
        return (
          <Row
            head={head}
            cells={[
              <a href={`/targets#${targetPlace(name)}`}>{name}</a>,
              <State view={view} state={state} />,
              format.number(pending + inFlight),
              format.number(dead),
              <MaybeTime view={view} at={lastDeliveredAt} isShort />,
              <SmallChart view={view} hours={hoursOf(day, name)} target={name} />,
              own?.successRate === undefined ? nothing : format.percent(own.successRate),
              <span class="whole">{latencyOf(view, own) ?? nothing}</span>,
            ]}
          />
        );
      })}
    </Table>
  );
}

/** Where a target stands on the page of targets. */
export function targetPlace(name: string): string {
  return `target-${name}`;
}
