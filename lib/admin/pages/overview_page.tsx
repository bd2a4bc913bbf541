/** @jsxImportSource hono/jsx */
/** The first page: does it run, is anything wrong, what came in and went out last, how is each target, which version. */

import type { ActivitySummary } from "../../operator/activity.ts";
import { attentionOf, type RelayTrouble } from "../../operator/attention.ts";
import type { RefusedView } from "../../operator/run.ts";
import type { FailingCondition } from "../../operator/last_events.ts";
import type { Status } from "../../operator/status.ts";
import { bySource, isTrouble } from "../../refusal.ts";
import type { DeadGroup, EventView } from "../../store/views.ts";
import type { Trouble } from "../now.ts";
import { AlertsSection } from "./alerts.tsx";
import { AttentionItem } from "./attention_items.tsx";
import { Chart, sumOf } from "./chart.tsx";
import type { Page } from "./layout.tsx";
import { eventPath, Mark, Nothing, Prose, Time } from "./parts.tsx";
import { RelayItem, RelaysSection } from "./relays.tsx";
import { TargetTable } from "./target_table.tsx";
import { ConditionItem, RefusedItem, WarningsItem } from "./trouble.tsx";
import type { View } from "./view.ts";

/** What the page tells of; `day` is the last 24 hours. */
export interface OverviewData {
  statuses: readonly Status[];
  dead: readonly DeadGroup[];
  trouble: Trouble;
  /** What is wrong with relays as a whole. */
  relayTroubles: readonly RelayTrouble[];
  day: ActivitySummary;
  /** The last event that a sender sent. */
  lastEvent?: EventView;
  condition?: FailingCondition;
  /** How many warnings there are about the config. */
  warningCount: number;
  /** How many alerts the config has. */
  alertCount: number;
  /** What the relay that makes the page says of itself. */
  self: { pid: number; since: number; version: string };
  /** Its config's file, and whether that says something else by now. */
  config: { file: string; hasChanged: boolean };
}

/** The first page. */
export function overviewPage(view: View, data: OverviewData): Page {
  const { words } = view;
  const waiting = data.statuses.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
  const dead = data.statuses.reduce((sum, one) => sum + one.dead, 0);
  const { relays, alarms } = data.trouble;
  const { received, delivered, hours } = data.day;
  const isIdle = received + delivered === 0;
  return {
    title: words.nav.overview,
    summary: words.overview.summary(waiting, dead),
    content: (
      <>
        <Running view={view} data={data} />
        <section id="attention" data-live>
          <AttentionList view={view} data={data} />
        </section>
        <section id="now" data-live>
          <Tiles view={view} data={data} waiting={waiting} dead={dead} />
        </section>
        <section id="targets" data-live>
          <h2>{words.targets.title}</h2>
          <TargetTable view={view} statuses={data.statuses} day={data.day} />
        </section>
        <AlertsSection view={view} alarms={alarms} count={data.alertCount} />
        {relays && (
          <RelaysSection
            view={view}
            relays={relays}
            isSelf={({ pid, since }) =>
              pid === data.self.pid && since !== null && Date.parse(since) === data.self.since}
          />
        )}
        <Version view={view} data={data} />
        <section id="day" data-live>
          <h2>{words.overview.last24}</h2>
          <div class="card">
            <p>{isIdle ? words.overview.nothing24 : words.overview.day(received, delivered)}</p>
            {hours.some((hour) => sumOf(hour) > 0) && <Chart view={view} hours={hours} />}
          </div>
        </section>
      </>
    ),
  };
}

function Running({ view, data: { trouble: { relays }, self } }: { view: View; data: OverviewData }) {
  const { overview } = view.words;
  const count = relays?.members.length ?? 1;
  const since = Math.min(self.since, view.now); // a clock that was set back since would have it begin later
  return (
    <section id="run" data-live>
      <h1>
        <Mark tone="good">{count > 1 ? overview.runningRelays(count) : overview.running}</Mark>
      </h1>
      <p class="lead">
        {count > 1 ? overview.selfSince : overview.since}{" "}
        <Time view={view} at={new Date(since).toISOString()} isInText />
      </p>
    </section>
  );
}

/** A takeover stands with the relays, a config that has changed with the version. */
const shownElsewhere: readonly RelayTrouble["kind"][] = ["taking", "config_changed"];

/** Most things that are shown at once: the rest of the page is to be found. */
const MOST_SHOWN = 6;

function AttentionList({ view, data }: { view: View; data: OverviewData }) {
  const { overview } = view.words;
  const troubles = data.relayTroubles.filter(({ kind }) => !shownElsewhere.includes(kind));
  const refused = bySource(data.trouble.refusals.filter(isTrouble));
  const items = attentionOf(data.statuses, data.dead, data.trouble, view.now);
  const all = [
    ...troubles.map((trouble) => <RelayItem view={view} trouble={trouble} />),
    ...(data.condition ? [<ConditionItem view={view} condition={data.condition} />] : []),
    ...refused.filter((one) => !one.isByStrangers).map((one) => <RefusedItem view={view} refused={one} />),
    ...items.map((item) => <AttentionItem view={view} item={item} />),
    ...refused.filter((one) => one.isByStrangers).map((one) => <RefusedItem view={view} refused={one} />),
    ...(data.warningCount > 0 ? [<WarningsItem view={view} count={data.warningCount} />] : []),
  ];
  if (all.length === 0) {
    return (
      <div class="notice">
        <h2 class="first">{overview.calm}</h2>
        <p>{overview.calmLead}</p>
      </div>
    );
  }
  return (
    <>
      <h2 class="first">{overview.attention}</h2>
      <ul class="list">{all.slice(0, MOST_SHOWN)}</ul>
      {all.length > MOST_SHOWN && (
        <details id="attention-more">
          <summary>{overview.more(all.length - MOST_SHOWN)}</summary>
          <ul class="list">{all.slice(MOST_SHOWN)}</ul>
        </details>
      )}
    </>
  );
}

/** The last event, the last delivery, what was refused, what waits and what is dead, in a row. */
function Tiles(
  { view, data, waiting, dead }: { view: View; data: OverviewData; waiting: number; dead: number },
) {
  const { words, format } = view;
  const { lastEvent, trouble: { refusals } } = data;
  const delivered = data.statuses.filter(({ lastDeliveredAt }) => lastDeliveredAt !== null)
    .toSorted((one, other) => other.lastDeliveredAt!.localeCompare(one.lastDeliveredAt!))[0];
  const never = <Nothing word={words.never} />;
  return (
    <dl class="tiles">
      <div>
        <dt>{words.overview.lastReceived}</dt>
        <dd>{lastEvent ? <Time view={view} at={lastEvent.receivedAt} /> : never}</dd>
        {lastEvent && (
          <dd class="small">
            <a href={eventPath(lastEvent.id)}>{lastEvent.type}</a>
          </dd>
        )}
      </div>
      <div>
        <dt>{words.overview.lastDelivered}</dt>
        <dd>{delivered ? <Time view={view} at={delivered.lastDeliveredAt!} /> : never}</dd>
        {delivered && <dd class="small">{words.overview.to(delivered.name)}</dd>}
      </div>
      <div>
        <dt>{words.overview.refused}</dt>
        <dd>{format.number(refusals.reduce((sum, { count }) => sum + count, 0))}</dd>
        <dd class="small">{refusedBecause(view, refusals)}</dd>
      </div>
      <div>
        <dt>{words.overview.waiting}</dt>
        <dd>{format.number(waiting)}</dd>
      </div>
      <div>
        <dt>{words.nav.dead}</dt>
        <dd>{format.number(dead)}</dd>
        {dead > 0 && (
          <dd class="small">
            <a href="/dead">{words.overview.showDead}</a>
          </dd>
        )}
      </div>
    </dl>
  );
}

/** How many requests were refused for each reason, in one line. */
function refusedBecause({ words, format }: View, refusals: readonly RefusedView[]): string {
  const counts = new Map<string, number>();
  for (const { reason, count } of refusals) counts.set(reason, (counts.get(reason) ?? 0) + count);
  return [...counts].map(([reason, count]) =>
    `${words.refusals[reason as RefusedView["reason"]]?.name ?? reason}: ${format.number(count)}`
  ).join(", ");
}

function Version({ view, data: { self, config, trouble: { reload } } }: { view: View; data: OverviewData }) {
  const { overview, attention } = view.words;
  const [tone, text] = reload
    ? ["bad", attention.reload] as const
    : config.hasChanged
    ? ["warn", overview.changed] as const
    : ["good", overview.unchanged] as const;
  return (
    <section id="version" data-live>
      <h2>{overview.version}</h2>
      <div class="card">
        <p>
          relay <strong>{self.version}</strong> · <a href="/config" class="id">{view.clean(config.file)}</a>
        </p>
        <Mark tone={tone}>
          <span>
            <Prose text={text} />
          </span>
        </Mark>
      </div>
    </section>
  );
}
