/** @jsxImportSource hono/jsx */
/** The first page: what needs attention, and how the last 24 hours went. */

import type { ActivitySummary } from "../../operator/activity.ts";
import type { Status } from "../../operator/status.ts";
import type { DeadGroup } from "../../store/views.ts";
import type { Trouble } from "../now.ts";
import { type Attention, attentionOf } from "./attention.ts";
import { Chart, SmallChart, sumOf } from "./chart.tsx";
import type { Page } from "./layout.tsx";
import { Action, Advice, deadPath, Nothing, Prose, Row, Table, Time } from "./parts.tsx";
import { hoursOf, latencyOf } from "./day.ts";
import { areCalm, RelayItems, RelaysSection } from "./relays.tsx";
import { RefusedItems, ReloadItem } from "./trouble.tsx";
import type { View } from "./view.ts";

/** What the page tells of; `day` is the last 24 hours. */
export interface OverviewData {
  statuses: readonly Status[];
  dead: readonly DeadGroup[];
  trouble: Trouble;
  day: ActivitySummary;
  /** What the relay that makes the page says of itself. */
  self: { pid: number; since: number };
}

/** The first page. */
export function overviewPage(view: View, data: OverviewData): Page {
  const { words, format, now } = view;
  const waiting = data.statuses.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
  const dead = data.statuses.reduce((sum, one) => sum + one.dead, 0);
  const { reload, refusals, relays } = data.trouble;
  const items = attentionOf(data.statuses, data.dead, data.trouble, now);
  const isCalm = items.length === 0 && refusals.length === 0 && (relays ? areCalm(relays, now) : reload === null);
  return {
    title: words.nav.overview,
    summary: words.overview.summary(format.number(waiting), format.number(dead)),
    content: (
      <>
        <h1 class="hidden">{words.nav.overview}</h1>
        <section id="attention" data-live>
          {isCalm ? <Calm view={view} /> : (
            <>
              <h2 class="first">{words.overview.attention}</h2>
              <ul class="list">
                {relays
                  ? <RelayItems view={view} relays={relays} />
                  : reload && <ReloadItem view={view} reload={reload} />}
                <RefusedItems view={view} refusals={refusals} />
                {items.map((item) => <AttentionItem view={view} item={item} />)}
              </ul>
            </>
          )}
        </section>
        {relays && (
          <RelaysSection
            view={view}
            relays={relays}
            isSelf={({ pid, since }) =>
              pid === data.self.pid && since !== null && Date.parse(since) === data.self.since}
          />
        )}
        <section id="day" data-live>
          <h2>{words.overview.last24}</h2>
          <dl class="tiles">
            <Tile name={words.overview.received} value={format.number(data.day.received)} />
            <Tile name={words.overview.delivered} value={format.number(data.day.delivered)} />
            <Tile name={`${words.overview.waiting}, ${words.overview.now}`} value={format.number(waiting)} />
            <Tile name={`${words.overview.dead}, ${words.overview.now}`} value={format.number(dead)} />
          </dl>
          <h2>{words.overview.perHour}</h2>
          <div class="card">
            {data.day.hours.some((hour) => sumOf(hour) > 0)
              ? <Chart view={view} hours={data.day.hours} />
              : <p class="muted">{words.overview.noActivity}</p>}
          </div>
          <h2>{words.overview.perTarget}</h2>
          <TargetTable view={view} data={data} />
        </section>
      </>
    ),
  };
}

function Tile({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Calm({ view: { words } }: { view: View }) {
  return (
    <div class="notice">
      <h2 class="first">{words.overview.calm}</h2>
      <p>{words.overview.calmLead}</p>
    </div>
  );
}

/** Kinds that cost events if nobody does something; the others go on by themselves, or as an operator wants. */
const badKinds: readonly Attention["kind"][] = ["silent", "refused", "dead", "open", "failing"];

function AttentionItem({ view, item }: { view: View; item: Attention }) {
  return (
    <li class={`item ${badKinds.includes(item.kind) ? "bad" : ""}`}>
      <div>
        <h3>{headOf(view, item)}</h3>
        {item.reason ? <Advice view={view} reason={item.reason} /> : (
          <p>
            <Prose text={todoOf(view, item)} />
          </p>
        )}
        <When view={view} item={item} />
      </div>
      <Buttons view={view} item={item} />
    </li>
  );
}

function headOf({ words: { attention }, format }: View, { kind, target, count }: Attention): string {
  const number = format.number(count);
  if (kind === "dead") return attention.dead(number, target);
  if (kind === "orphaned") return attention.orphaned(target, number);
  if (kind === "late") return attention.late(target, number);
  if (kind === "refused") return attention.refused(number);
  return attention[kind](target);
}

function todoOf({ words: { attention } }: View, { kind }: Attention): string {
  return kind === "dead" ? "" : attention[`${kind}Todo`];
}

function When({ view, item: { since, until } }: { view: View; item: Attention }) {
  if (!since && !until) return null;
  return (
    <p class="small muted">
      {since && (
        <>
          {view.words.attention.since} <Time view={view} at={since} isInText />
        </>
      )}
      {since && until && " · "}
      {until && (
        <>
          {view.words.attention.until} <Time view={view} at={until} isInText />
        </>
      )}
    </p>
  );
}

function Buttons({ view, item }: { view: View; item: Attention }) {
  const { words } = view;
  const { kind, target, reason } = item;
  const show = `${words.dead.show}: ${headOf(view, item)}`;
  const retry = words.dead.retryGroupOf(target, reason ? words.reasons[reason].name : "");
  const events = `/events?${new URLSearchParams({ target, state: "pending" })}`;
  return (
    <div class="buttons">
      {kind === "dead" && (
        <>
          <a class="button quiet" href={deadPath("/dead", { target, reason })} aria-label={show}>{words.dead.show}</a>
          <a class="button" href={deadPath("/dead/retry", { target, reason })} aria-label={retry}>
            {words.dead.retryGroup}
          </a>
        </>
      )}
      {kind === "paused" && (
        <Action
          to={`/targets/${encodeURIComponent(target)}/resume`}
          label={words.targets.resume}
          name={words.targets.of(words.targets.resume, target)}
          fields={{ back: "/" }}
        />
      )}
      {kind === "orphaned" && (
        <a class="button quiet" href={deadPath("/dead", { target })} aria-label={show}>{words.dead.show}</a>
      )}
      {["open", "failing", "late", "throttled"].includes(kind) && (
        <a class="button quiet" href={events} aria-label={show}>{words.dead.show}</a>
      )}
    </div>
  );
}

function TargetTable({ view, data }: { view: View; data: OverviewData }) {
  const { words, format } = view;
  const head = [
    words.targets.name,
    words.overview.last24,
    words.overview.attempts,
    words.targets.rate,
    words.targets.latency,
  ];
  return (
    <Table caption={words.overview.perTarget} isCaptionHidden head={head}>
      {data.statuses.map(({ name }) => {
        const own = data.day.targets.get(name);
        return (
          <Row
            head={head}
            cells={[
              name,
              own
                ? <SmallChart view={view} hours={hoursOf(data.day, name)} target={name} />
                : <Nothing word={words.none} />,
              format.number(own ? sumOf(own) : 0),
              own?.successRate === undefined ? <Nothing word={words.none} /> : format.percent(own.successRate),
              latencyOf(view, own) ?? <Nothing word={words.none} />,
            ]}
          />
        );
      })}
    </Table>
  );
}
