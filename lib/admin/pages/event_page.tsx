/** @jsxImportSource hono/jsx */
/** One event's whole story, from top to bottom: what was received, where it goes and why, and each delivery. */

import { destinationItems, destinationLine } from "../../operator/chains.ts";
import type { Sent } from "../../operator/sent.ts";
import type { Story } from "../../operator/story.ts";
import { isSystem } from "../../system_event.ts";
import { type Bounds, brief, full } from "./bounds.ts";
import { VerdictMark } from "./config_page.tsx";
import { DeliveryCard } from "./delivery.tsx";
import { Copy } from "./event_parts.tsx";
import type { Page } from "./layout.tsx";
import { Prose, Row, State, Table } from "./parts.tsx";
import { FetchedNote, Received } from "./received.tsx";
import { hasHtml } from "./sent.tsx";
import type { View } from "./view.ts";

/** Parts of a story that are texts, and may hold secrets; the rest is bytes. */
type Told = Omit<Story, "body" | "details">;

/**
 * The page of an event.
 * @param sentTo What each target of its deliveries is sent.
 * @param isFull Shows everything, however much it is.
 */
export function eventPage(view: View, story: Story, sentTo: ReadonlyMap<string, Sent>, isFull: boolean): Page {
  const { words } = view;
  const { body: _, details: _details, ...rest } = story;
  const told = view.clean(rest);
  const bounds = isFull ? full : brief;
  return {
    title: `${words.event.title} ${told.type}`,
    summary: told.deliveries.map(({ target, state }) => `${target}: ${words.states[state]}`).join(", "),
    hasEvents: true,
    holdsEmail: [...sentTo.values()].some(hasHtml),
    content: (
      <div class="story">
        <Head view={view} story={told} />
        <Received view={view} story={story} bounds={bounds} />
        {!isSystem(story) && <Routes view={view} story={told} />}
        <FetchedNote view={view} story={story} bounds={bounds} />
        <Deliveries view={view} story={told} sentTo={sentTo} bounds={bounds} />
        {!isFull && (
          <p class="after">
            <a href="?full">{words.event.full}</a>
          </p>
        )}
      </div>
    ),
  };
}

/** What it is, and how each delivery is at a glance. */
function Head({ view, story }: { view: View; story: Told }) {
  const { words } = view;
  const { id, type, deliveries, routing } = story;
  return (
    <>
      <div class="bar">
        <h1>{type}</h1>
        {!isSystem(story) && routing.targets.length > 0 && (
          <a class="button quiet" href={`/events/${id}/replay`}>{words.event.replay}</a>
        )}
      </div>
      <p class="id muted break">
        <span id="event-id">{id}</span> <Copy view={view} of="event-id" what={words.event.things.id} />
      </p>
      <p class="tags" id="glance" data-live>
        {deliveries.length === 0 && <State view={view} state="unrouted" />}
        {deliveries.map((one) => (
          <span>
            <a href={`#delivery-${one.id}`}>{one.target}</a> <State view={view} state={one.state} />
          </span>
        ))}
      </p>
    </>
  );
}

function Routes({ view, story }: { view: View; story: Told }) {
  const { event } = view.words;
  const { targets, chains, routes, isFallback } = story.routing;
  const went = [...new Set(story.deliveries.map(({ target }) => target))];
  const isOther = went.length !== targets.length || went.some((one) => !targets.includes(one));
  const head = [event.on, event.to, event.verdict];
  return (
    <section class="card" aria-labelledby="routes">
      <h2 id="routes" class="first">{event.routes}</h2>
      <p>
        {targets.length > 0
          ? event.goesTo(destinationItems({ targets, chains }, view.words, view.format))
          : <Prose text={event.unrouted} />} {isOther && event.wentTo(went)}
      </p>
      {isFallback && (
        <p>
          <Prose text={event.fallback} />
        </p>
      )}
      <Table caption={event.routes} isCaptionHidden head={head}>
        {routes.map(({ on, to, chains, verdict }, index) => (
          <Row
            head={head}
            cells={[
              <Route index={index} on={on} />,
              destinationLine({ targets: to, chains }, view.words, view.format),
              <VerdictMark view={view} verdict={verdict} />,
            ]}
          />
        ))}
      </Table>
      <Problems view={view} problems={story.problems} />
    </section>
  );
}

function Route({ index, on }: { index: number; on: readonly string[] }) {
  return (
    <>
      <code>{on.join(", ")}</code> <code class="muted">routes[{index}]</code>
    </>
  );
}

function Problems({ view, problems }: { view: View; problems: Told["problems"] }) {
  if (problems.length === 0) return null;
  return (
    <>
      <h3 class="after">{view.words.event.problems}</h3>
      <ul>
        {problems.map((problem) => <li>{problem.in(view.locale)}</li>)}
      </ul>
    </>
  );
}

function Deliveries(
  { view, story, sentTo, bounds }: { view: View; story: Told; sentTo: ReadonlyMap<string, Sent>; bounds: Bounds },
) {
  const { event } = view.words;
  const shown = story.deliveries.slice(-bounds.deliveries);
  const hidden = story.deliveries.length - shown.length;
  // A target is sent the same in each of its deliveries: it is shown with the last one.
  const last = new Map(shown.map((one) => [one.target, one.id]));
  return (
    <section aria-labelledby="deliveries">
      <h2 id="deliveries">{event.deliveries}</h2>
      {shown.length === 0 && <p>{event.noDeliveries}</p>}
      {hidden > 0 && <p class="muted">{event.earlierDeliveries(hidden)}</p>}
      {shown.map((delivery) => (
        <DeliveryCard
          view={view}
          delivery={delivery}
          sent={last.get(delivery.target) === delivery.id ? sentTo.get(delivery.target) : undefined}
          bounds={bounds}
        />
      ))}
    </section>
  );
}
