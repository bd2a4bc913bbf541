/** @jsxImportSource hono/jsx */
/** The list of events: filters, search, and pages by cursor. */

import { sampleNames } from "../../connectvets/samples.ts";
import { type EventPage, MAX_SEARCH } from "../../store/operator.ts";
import { EventRow, EventRows } from "./event_rows.tsx";
import { addressOf, MAX_TRAIL, type Query, states } from "./events_query.ts";
import type { Page } from "./layout.tsx";
import { Prose } from "./parts.tsx";
import type { View } from "./view.ts";

/** A page has so many events. */
export const PAGE_SIZE = 40;

/** The list. */
export function eventsPage(view: View, query: Query, page: EventPage, targets: readonly string[]): Page {
  const { words } = view;
  const { events, next } = page;
  const isShort = events.length < PAGE_SIZE && next !== undefined;
  return {
    title: words.events.title,
    hasEvents: true,
    content: (
      <>
        <h1 class="hidden">{words.events.title}</h1>
        <Filter view={view} query={query} targets={targets} />
        <div
          id="events"
          data-live={query.before === undefined ? "" : undefined}
          data-address={view.clean(addressOf(query, query.before))}
          data-found={words.events.found(events.length, next !== undefined)}
          data-fresh={words.events.fresh("{count}")}
        >
          {events.length > 0
            ? <EventRows view={view}>{events.map((event) => <EventRow view={view} event={event} />)}</EventRows>
            : !isShort && <Empty view={view} query={query} />}
          {isShort && <p class="muted after">{events.length > 0 ? words.events.more : words.events.notYet}</p>}
          <Pages view={view} query={query} next={next} />
        </div>
      </>
    ),
  };
}

function Empty({ view: { words: { events } }, query }: { view: View; query: Query }) {
  const isFiltered = addressOf(query) !== "/events";
  return (
    <div class="card">
      <h2 class="first">{isFiltered ? events.empty : events.nothing}</h2>
      <p class="muted">
        <Prose text={isFiltered ? events.emptyLead : events.nothingLead} />
      </p>
    </div>
  );
}

function Filter({ view: { words, clean }, query, targets }: { view: View; query: Query; targets: readonly string[] }) {
  const { events } = words;
  const asked = clean({ search: query.search, type: query.type });
  return (
    <form method="get" action="/events" class="find" role="search" aria-label={events.filter}>
      <div class="wide">
        <label for="search">{events.search}</label>
        <input
          id="search"
          name="search"
          type="search"
          maxlength={MAX_SEARCH}
          value={asked.search}
          placeholder={events.searchHint}
          autocomplete="off"
        />
      </div>
      <div>
        <label for="type">{events.type}</label>
        <input
          id="type"
          name="type"
          value={asked.type}
          placeholder={events.typeHint}
          list="types"
          autocapitalize="none"
          autocomplete="off"
        />
        <datalist id="types">{["note.*", ...sampleNames].map((name) => <option value={name} />)}</datalist>
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

function Pages({ view: { words }, query, next }: { view: View; query: Query; next?: number }) {
  const { before, trail } = query;
  if (before === undefined && next === undefined) return null;
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
