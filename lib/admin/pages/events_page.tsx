/** @jsxImportSource hono/jsx */
/** The list of events: filters, search, and pages by cursor. */

import { type EventFilter, type EventPage, MAX_SEARCH } from "../../store/operator.ts";
import type { EventView } from "../../store/views.ts";
import type { Page } from "./layout.tsx";
import { EventLink, Nothing, Row, State, Table, Time } from "./parts.tsx";
import type { StateName, View } from "./view.ts";

/** The states that a filter can ask for. */
export const states = ["accepted", "unrouted", "pending", "in_flight", "delivered", "dead"] as const;

/** How far back a filter can look, in milliseconds. */
export const spans = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;

/** A page has so many events. */
export const PAGE_SIZE = 50;

/** Cursors of pages passed on the way here, so that there is a way back; more are forgotten. */
const MAX_TRAIL = 40;

/** What the address of the list says. */
export interface Query {
  search: string;
  type: string;
  state: string;
  target: string;
  since: string;
  /** Where the page begins; absent for the newest events. */
  before?: number;
  /** Where the pages before it began, the newest first; 0 for the first page. */
  trail: readonly number[];
}

/** Reads the address. What makes no sense counts as not given. */
export function queryOf(query: Record<string, string | undefined>): Query {
  const one = (name: string) => (query[name] ?? "").trim();
  const number = (text: string) => /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  return {
    search: one("search").slice(0, MAX_SEARCH),
    type: one("type"),
    state: states.find((state) => state === query.state) ?? "",
    target: one("target"),
    since: Object.hasOwn(spans, one("since")) ? one("since") : "",
    before: number(one("before")),
    trail: one("trail").split(".").map(number).filter((cursor) => cursor !== undefined).slice(-MAX_TRAIL),
  };
}

/** What the store is asked for. */
export function filterOf({ search, type, state, target, since }: Query, now: number): EventFilter {
  return {
    ...(search && { text: search }),
    ...(type && { type }),
    ...(state && { state: state as EventFilter["state"] }),
    ...(target && { target }),
    ...(since && { since: now - spans[since as keyof typeof spans] }),
  };
}

/** The list. */
export function eventsPage(view: View, query: Query, page: EventPage, targets: readonly string[]): Page {
  const { words } = view;
  const isFirst = query.before === undefined;
  return {
    title: words.events.title,
    content: (
      <>
        <h1>{words.events.title}</h1>
        <Filter view={view} query={query} targets={targets} />
        <div id="events" data-live={isFirst ? "" : undefined}>
          {page.events.length > 0 ? <List view={view} events={page.events} /> : (
            <div class="card">
              <h2 class="first">{words.events.empty}</h2>
              <p class="muted">{page.next === undefined ? words.events.emptyLead : words.events.more}</p>
            </div>
          )}
          {page.events.length > 0 && page.events.length < PAGE_SIZE && page.next !== undefined && (
            <p class="muted">{words.events.more}</p>
          )}
          <Pages view={view} query={query} next={page.next} />
        </div>
      </>
    ),
  };
}

function Filter({ view: { words, clean }, query, targets }: { view: View; query: Query; targets: readonly string[] }) {
  const { events } = words;
  const asked = clean({ search: query.search, type: query.type });
  return (
    <form method="get" action="/events" class="filter" role="search" aria-label={events.filter}>
      <div class="wide">
        <label for="search">{events.search}</label>
        <input
          id="search"
          name="search"
          type="search"
          maxlength={MAX_SEARCH}
          value={asked.search}
          aria-describedby="search-hint"
        />
        <span class="hint" id="search-hint">{events.searchHint}</span>
      </div>
      <div>
        <label for="type">{events.type}</label>
        <input id="type" name="type" value={asked.type} aria-describedby="type-hint" autocapitalize="none" />
        <span class="hint" id="type-hint">{events.typeHint}</span>
      </div>
      <Choice name="state" label={events.state} value={query.state} all={words.all}>
        {states.map((state) => [state, words.states[state]])}
      </Choice>
      <Choice name="target" label={events.target} value={query.target} all={words.all}>
        {targets.map((target) => [target, clean(target)])}
      </Choice>
      <Choice name="since" label={events.since} value={query.since} all={words.all}>
        {Object.entries(events.sinces)}
      </Choice>
      <div class="buttons">
        <button type="submit">{events.apply}</button>
        <a class="button quiet" href="/events">{events.clear}</a>
      </div>
    </form>
  );
}

function Choice(
  { name, label, value, all, children }: {
    name: string;
    label: string;
    value: string;
    all: string;
    children: readonly (readonly [value: string, name: string])[];
  },
) {
  return (
    <div>
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        <option value="">{all}</option>
        {children.map(([one, text]) => <option value={one} selected={one === value}>{text}</option>)}
      </select>
    </div>
  );
}

function List({ view, events }: { view: View; events: readonly EventView[] }) {
  const { words } = view;
  const head = [
    words.events.event,
    words.events.received,
    words.events.note,
    words.events.source,
    words.events.deliveries,
  ];
  return (
    <Table caption={words.events.title} isCaptionHidden head={head}>
      {events.map((event) => (
        <Row
          head={head}
          cells={[
            <EventLink event={event} />,
            <Time view={view} at={event.receivedAt} />,
            <Note view={view} event={event} />,
            <div class="source">{event.source}</div>,
            <Deliveries view={view} event={event} />,
          ]}
        />
      ))}
    </Table>
  );
}

function Note({ view, event: { noteId, externalId } }: { view: View; event: EventView }) {
  if (noteId === null && externalId === null) return <Nothing word={view.words.none} />;
  return (
    <>
      {noteId && <div class="id">{noteId}</div>}
      {externalId && <div class="id muted">{externalId}</div>}
    </>
  );
}

function Deliveries({ view, event: { state, deliveries } }: { view: View; event: EventView }) {
  if (state === "unrouted" || deliveries.length === 0) return <State view={view} state="unrouted" />;
  return (
    <span class="tags">
      {deliveries.map((one) => (
        <span>
          {one.target} <State view={view} state={one.state as StateName} />
        </span>
      ))}
    </span>
  );
}

function Pages({ view: { words }, query, next }: { view: View; query: Query; next?: number }) {
  const { before, trail } = query;
  return (
    <nav class="buttons pages" aria-label={words.events.pages}>
      {trail.length > 1 && <a class="button quiet" href={addressOf(query)}>{words.events.newest}</a>}
      {before !== undefined && (
        <a class="button quiet" rel="prev" href={addressOf(query, trail.at(-1) || undefined, trail.slice(0, -1))}>
          {words.events.newer}
        </a>
      )}
      {next !== undefined && (
        <a class="button quiet" rel="next" href={addressOf(query, next, [...trail, before ?? 0].slice(-MAX_TRAIL))}>
          {words.events.older}
        </a>
      )}
    </nav>
  );
}

/** The address of another page of the same list. */
function addressOf(query: Query, before?: number, trail: readonly number[] = []): string {
  const { search, type, state, target, since } = query;
  const given = { search, type, state, target, since, before: String(before ?? ""), trail: trail.join(".") };
  const address = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ""));
  return address.size > 0 ? `/events?${address}` : "/events";
}
