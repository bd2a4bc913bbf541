/** @jsxImportSource hono/jsx */
/** An event's page: what was received, and the note that was fetched for it. */

import { shownBody } from "../../operator/payload.ts";
import type { Story } from "../../operator/story.ts";
import { isSystem } from "../../system_event.ts";
import type { Bounds } from "./bounds.ts";
import { Copy, Fill } from "./event_parts.tsx";
import { eventPath, Facts, Time } from "./parts.tsx";
import type { View } from "./view.ts";

/** What was received: from whom, the payload, the headers. */
export function Received({ view, story, bounds }: { view: View; story: Story; bounds: Bounds }) {
  const { event } = view.words;
  const shown = view.clean(shownBody(story.body, bounds.payload));
  const headers = Object.entries(view.clean(story.headers));
  return (
    <section class="card" aria-labelledby="received">
      <div class="bar">
        <h2 id="received" class="first">{event.arrived}</h2>
        {!shown.isCut && <Copy view={view} of="payload" what={event.things.payload} />}
      </div>
      <Origin view={view} story={story} />
      <p class="small muted after">{shown.isJson ? event.json(shown.bytes) : event.text(shown.bytes)}</p>
      <pre id="payload" tabindex={0} aria-label={event.payload}>{shown.text}</pre>
      <p class="small">
        {shown.isCut && `${event.cut} `}
        <a href={`${eventPath(story.id)}/payload`}>{event.raw}</a>
      </p>
      {headers.length > 0 && (
        <details id="headers">
          <summary>{event.headers(headers.length)}</summary>
          <dl class="pairs">
            {headers.map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

function Origin({ view, story }: { view: View; story: Story }) {
  const { words, clean } = view;
  const { noteId, externalId, source, secret } = clean(story);
  if (isSystem(story)) return <p>{words.event.own}</p>;
  return (
    <Facts
      facts={[
        [words.event.received, <Time view={view} at={story.receivedAt} />],
        [words.event.source, source],
        [words.event.secret, words.event.secretOf(secret.number, secret.of)],
        ...(noteId === null ? [] : [[words.event.note, noteId] as const]),
        ...(externalId === null ? [] : [[words.event.reference, externalId] as const]),
      ]}
    />
  );
}

/** The note in full, or why there is none; nothing if no target needs it. */
export function FetchedNote({ view, story: { details }, bounds }: { view: View; story: Story; bounds: Bounds }) {
  if (!details) return null;
  const { event } = view.words;
  const shown = details.data && view.clean(shownBody(details.data, bounds.payload));
  return (
    <section class="card" aria-labelledby="note">
      <h2 id="note" class="first">{event.details}</h2>
      <p>
        <Fill say={shown ? event.detailsAt : event.detailsNot}>
          <Time view={view} at={new Date(details.at).toISOString()} isInText />
        </Fill>
      </p>
      {shown
        ? <pre tabindex={0} aria-label={event.details}>{shown.text}</pre>
        : <p>{view.clean(details.problem?.in(view.locale))}</p>}
      {shown?.isCut && <p class="small">{event.cut}</p>}
    </section>
  );
}
