/** @jsxImportSource hono/jsx */
/** Dead letters: by target and reason, and what makes them go again. */

import type { DeadFilter } from "../../store/operator.ts";
import type { DeadGroup, EventView } from "../../store/views.ts";
import type { Page } from "./layout.tsx";
import { Action, Advice, deadPath, EventLink, Row, Table, Time } from "./parts.tsx";
import type { View } from "./view.ts";

/** A page lists so many dead letters. */
export const DEAD_PAGE_SIZE = 50;

interface DeadData {
  filter: DeadFilter;
  groups: readonly DeadGroup[];
  /** Events that hold dead letters, the newest first. */
  events: readonly EventView[];
  /** Where the letters go on. */
  next?: number;
}

/** The page of the dead letters. */
export function deadPage(view: View, { filter, groups, events, next }: DeadData): Page {
  const { words, format } = view;
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const isFiltered = filter.target !== undefined || filter.reason !== undefined;
  return {
    title: words.dead.title,
    summary: `${words.dead.title}: ${format.number(count)}`,
    content: (
      <div id="dead" data-live>
        <div class="bar">
          <h1>{words.dead.title}</h1>
          {count > 0 && <a class="button" href="/dead/retry">{words.dead.retryAll(format.number(count))}</a>}
        </div>
        {count === 0
          ? (
            <div class="notice">
              <h2 class="first">{words.dead.none}</h2>
              <p>{words.dead.noneLead}</p>
            </div>
          )
          : (
            <>
              <p class="lead">{words.dead.lead}</p>
              <h2>{words.dead.groups}</h2>
              {groups.map((group) => <Group view={view} group={group} />)}
              <div class="bar">
                <h2>
                  {[words.dead.letters, filter.target, filter.reason && words.reasons[filter.reason].name]
                    .filter(Boolean).join(" · ")}
                </h2>
                {isFiltered && <a href="/dead">{words.all}</a>}
              </div>
              <Letters view={view} filter={filter} events={events} />
              {next !== undefined && <Older view={view} filter={filter} next={next} />}
            </>
          )}
      </div>
    ),
  };
}

function Group({ view, group }: { view: View; group: DeadGroup }) {
  const { words, format } = view;
  const { target, reason, count, oldestAt, newestAt } = group;
  const { name } = words.reasons[reason];
  const filter = { target, reason };
  return (
    <article class="item bad">
      <div>
        <h3>
          {target}: {format.number(count)}
        </h3>
        <Advice view={view} reason={reason} />
        <p class="small muted">
          {words.dead.oldest} <Time view={view} at={oldestAt} isInText /> · {words.dead.newest}{" "}
          <Time view={view} at={newestAt} isInText />
        </p>
      </div>
      <div class="buttons">
        <a class="button quiet" href={deadPath("/dead", filter)} aria-label={`${words.dead.show}: ${target}, ${name}`}>
          {words.dead.show}
        </a>
        <a
          class="button"
          href={deadPath("/dead/retry", filter)}
          aria-label={words.dead.retryGroupOf(target, name)}
        >
          {words.dead.retryGroup}
        </a>
      </div>
    </article>
  );
}

function Letters(
  { view, filter, events }: { view: View; filter: DeadFilter; events: readonly EventView[] },
) {
  const { words } = view;
  const letters = events.flatMap((event) =>
    event.deliveries.filter(({ state, target, reason }) =>
      state === "dead" && (filter.target ?? target) === target && (filter.reason ?? reason) === reason
    ).map((delivery) => ({ event, delivery }))
  );
  const head = [words.events.event, words.events.received, words.targets.name, words.dead.reason, words.event.retry];
  return (
    <Table caption={words.dead.letters} isCaptionHidden head={head}>
      {letters.map(({ event, delivery }) => (
        <Row
          head={head}
          cells={[
            <EventLink event={event} />,
            <Time view={view} at={event.receivedAt} />,
            delivery.target,
            delivery.reason ? words.reasons[delivery.reason].name : words.none,
            <Action
              to={`/deliveries/${delivery.id}/retry`}
              label={words.event.retry}
              name={`${words.event.retryOf(delivery.target)}, ${event.type} ${event.id}`}
              fields={{ back: "/dead" }}
              isQuiet
            />,
          ]}
        />
      ))}
    </Table>
  );
}

function Older({ view, filter, next }: { view: View; filter: DeadFilter; next: number }) {
  const path = deadPath("/dead", filter);
  const address = `${path}${path.includes("?") ? "&" : "?"}before=${next}`;
  return (
    <nav class="buttons pages" aria-label={view.words.events.pages}>
      <a class="button quiet" rel="next" href={address}>{view.words.events.older}</a>
    </nav>
  );
}

/** Asks before many letters go again, and says what will happen. */
export function confirmPage(view: View, filter: DeadFilter, count: number): Page {
  const { words, format } = view;
  const number = format.number(count);
  const { target, reason } = filter;
  const fields: Record<string, string> = { ...(target && { target }), ...(reason && { reason }) };
  return {
    title: words.dead.ask,
    content: (
      <>
        <h1>{words.dead.ask}</h1>
        <div class="card">
          <p>{target ? words.dead.askTarget(number, target) : words.dead.askAll(number)}</p>
          {reason && <p>{words.dead.askReason(words.reasons[reason].name)}</p>}
          {reason && <Advice view={view} reason={reason} />}
          <p class="after">{words.dead.consequence}</p>
          <div class="buttons">
            <Action to="/dead/retry" label={words.dead.confirm(number)} fields={fields} />
            <a class="button quiet" href={deadPath("/dead", filter)}>{words.dead.cancel}</a>
          </div>
        </div>
      </>
    ),
  };
}
