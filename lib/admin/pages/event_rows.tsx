/** @jsxImportSource hono/jsx */
/** Events one to a line: when, what, about which note, and how each target's delivery is. */

import { sayReason } from "../../locale/reasons.ts";
import type { Child } from "hono/jsx";
import { isOfCondition } from "../../pipeline/route.ts";
import type { DeliveryView, EventView } from "../../store/views.ts";
import { eventPath, Nothing } from "./parts.tsx";
import type { View } from "./view.ts";

/** A line names so many targets; the others are counted. */
const MAX_MARKS = 6;

/** States from the worst to the best: what needs a person comes first in a line. */
const order = ["dead", "in_flight", "pending", "delivered", "skipped"] as const;

/** How a state looks: a colour, and a shape for those who do not see it. */
const tones = { dead: "bad", in_flight: "busy", pending: "busy", delivered: "good", skipped: "none" } as const;

/** One that waits after a failure. */
const AGAIN = "again";

/** A table of lines. @param last Head of what stands in the last column in place of the targets. */
export function EventRows({ view, last, children }: { view: View; last?: string; children: Child }) {
  const { events } = view.words;
  return (
    <table class="rows" role="table">
      <caption class="hidden">{events.title}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {[events.received, events.type, events.note, last ?? events.deliveries].map((name) => (
            <th scope="col" role="columnheader">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}

/** An event's line; all of it is a link. @param children What stands in the last column in place of the targets. */
export function EventRow({ view, event, children }: { view: View; event: EventView; children?: Child }) {
  const { format, words } = view;
  const { id, type, receivedAt, noteId, externalId } = event;
  const at = Date.parse(receivedAt);
  const about = [externalId, noteId].filter((one) => one !== null).join(" ");
  return (
    <tr role="row">
      <td role="cell">
        <time datetime={receivedAt}>{format.short(at)}</time>
      </td>
      <th scope="row" role="rowheader">
        <a href={eventPath(id)} title={whole(type, 25)}>{type}</a>
      </th>
      <td role="cell" title={whole(about, 40)}>
        {about === "" && <Nothing word={words.none} />}
        {externalId} {noteId && <span class="id muted">{noteId}</span>}
      </td>
      <td role="cell">{children ?? <Marks view={view} event={event} />}</td>
    </tr>
  );
}

function Marks({ view, event: { deliveries, problems } }: { view: View; event: EventView }) {
  const { words, format } = view;
  const failed = problems.some(isOfCondition) && <span class="t warn">{words.events.failedCondition}</span>;
  if (deliveries.length === 0) return failed || <span class="t warn">{words.states.unrouted}</span>;
  const marks = [...Map.groupBy(deliveries, ({ target, state }) => `${state} ${target}`).values()]
    .sort(([one], [other]) => order.indexOf(one!.state) - order.indexOf(other!.state));
  const left = marks.length - MAX_MARKS;
  return (
    <>
      {failed}
      {marks.slice(0, MAX_MARKS).map((same) => <Mark view={view} delivery={same.at(-1)!} count={same.length} />)}
      {left > 0 && (
        <span class="muted">
          +{format.number(left)}
          <span class="hidden">{words.events.others(left)}</span>
        </span>
      )}
    </>
  );
}

/** @param count Deliveries of the event to this target in this state. */
function Mark({ view, delivery, count }: { view: View; delivery: DeliveryView; count: number }) {
  const { words, format } = view;
  const { target, state, reason, receipt } = delivery;
  const failed = state !== "delivered" && reason ? `: ${sayReason(words, reason).name}` : "";
  const told = words.states[state] + (receipt ? ` (${words.receipts[receipt]})` : "") + failed;
  return (
    <span
      class={`t ${state === "pending" && reason ? AGAIN : tones[state]}`}
      title={state === "delivered" && !receipt ? undefined : `${target}: ${told}`}
    >
      {target}
      {count > 1 && ` ×${format.number(count)}`}
      <span class="hidden">: {told}</span>
    </span>
  );
}

/** A text that its column may have to cut, to be read under the mouse. @param room About how many characters fit. */
function whole(text: string, room: number): string | undefined {
  return text.length > room ? text : undefined;
}
