/** @jsxImportSource hono/jsx */
/** One event's whole story. */

import type { Story } from "../../operator/story.ts";
import { isSystem } from "../../system_event.ts";
import type { Page } from "./layout.tsx";
import { VerdictMark } from "./config_page.tsx";
import { DeliveryCard } from "./delivery.tsx";
import { Action, Facts, Prose, Row, State, Table, Time } from "./parts.tsx";
import { shownBody } from "../../operator/payload.ts";
import type { View } from "./view.ts";

/** What is told of an event beside its bytes and those of its note. */
export type Told = Omit<Story, "body" | "details">;

/** The page of an event. */
export function eventPage(view: View, story: Told, { body, details }: Pick<Story, "body" | "details">): Page {
  const { words } = view;
  const states = story.deliveries.map(({ target, state }) => `${target}: ${words.states[state]}`);
  return {
    title: `${words.event.title} ${story.type}`,
    summary: states.join(", "),
    content: (
      <>
        <h1>{story.type}</h1>
        <p class="id muted">{story.id}</p>
        <div class="card">
          <Summary view={view} story={story} />
        </div>
        <section id="deliveries" data-live>
          <h2>{words.event.deliveries}</h2>
          {story.deliveries.length === 0 && <p class="card">{words.event.noDeliveries}</p>}
          {story.deliveries.map((delivery) => <DeliveryCard view={view} delivery={delivery} />)}
        </section>
        {story.problems.length > 0 && (
          <Problems
            view={view}
            problems={story.problems.map((one) => one.in(view.locale))}
          />
        )}
        {!isSystem(story) && (
          <>
            <h2>{words.event.routes}</h2>
            <Routes view={view} story={story} />
          </>
        )}
        <h2>{words.event.arrived}</h2>
        <Arrived view={view} headers={story.headers} body={body} />
        {details && <Details view={view} details={details} />}
      </>
    ),
  };
}

function Summary({ view, story }: { view: View; story: Told }) {
  const { words, format } = view;
  const { number, of } = story.secret;
  const secret = isSystem(story)
    ? words.event.own
    : words.event.secretOf(format.number(number), of === undefined ? "?" : format.number(of));
  return (
    <Facts
      facts={[
        [words.events.state, <State view={view} state={story.state} />],
        [words.event.received, <Time view={view} at={story.receivedAt} />],
        [words.event.source, story.source],
        [words.event.secret, secret],
      ]}
    />
  );
}

function Problems({ view: { words }, problems }: { view: View; problems: readonly string[] }) {
  return (
    <>
      <h2>{words.event.problems}</h2>
      <ul class="list">
        {problems.map((problem) => <li class="item">{problem}</li>)}
      </ul>
    </>
  );
}

function Routes({ view, story }: { view: View; story: Told }) {
  const { words } = view;
  const head = ["#", words.event.on, words.event.to, words.event.verdict];
  const { targets, routes, isFallback } = story.routing;
  const isNowhere = targets.length === 0;
  return (
    <>
      <p class="lead">{words.event.routesLead}</p>
      <Table caption={words.event.routes} isCaptionHidden head={head}>
        {routes.map(({ on, to, verdict }, index) => (
          <Row
            head={head}
            cells={[
              `${index}`,
              <code>{on.join(", ")}</code>,
              to.join(", "),
              <VerdictMark view={view} verdict={verdict} />,
            ]}
          />
        ))}
      </Table>
      <div class="bar after">
        <p>
          {isFallback && (
            <>
              <Prose text={words.event.fallback} />
              {" "}
            </>
          )}
          {isNowhere ? words.event.replayNowhere : words.event.replayLead(targets.join(", "))}
        </p>
        {!isNowhere && <Action to={`/events/${story.id}/replay`} label={words.event.replay} isQuiet />}
      </div>
    </>
  );
}

function Details({ view, details }: { view: View; details: NonNullable<Story["details"]> }) {
  const { words } = view;
  const shown = details.data && view.clean(shownBody(details.data));
  return (
    <>
      <h2>{words.event.note}</h2>
      <p class="lead">
        {shown ? words.event.noteFetched : words.event.noteFailed}{" "}
        <Time view={view} at={new Date(details.at).toISOString()} isInText />
      </p>
      {shown
        ? <pre tabindex={0} aria-label={words.event.note}>{shown.text}</pre>
        : <p class="card">{view.clean(details.problem?.in(view.locale))}</p>}
    </>
  );
}

function Arrived({ view, headers, body }: { view: View; headers: Story["headers"]; body: Uint8Array }) {
  const { words, format } = view;
  const head = [words.event.header, words.event.value];
  const shown = view.clean(shownBody(body));
  return (
    <>
      <Table caption={words.event.header} isCaptionHidden head={head}>
        {Object.entries(headers).map(([name, value]) => <Row head={head} cells={[name, <code>{value}</code>]} />)}
      </Table>
      <h3 class="after">{words.event.payload}</h3>
      <p class="lead">{shown.isJson ? words.event.bytes(format.number(shown.bytes)) : words.event.notJson}</p>
      {shown.isCut && <p class="lead">{words.event.cut}</p>}
      <pre tabindex={0} aria-label={words.event.payload}>{shown.text}</pre>
    </>
  );
}
