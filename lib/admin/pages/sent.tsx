/** @jsxImportSource hono/jsx */
/** An event's page: the message that a target is sent, rendered again. */

import type { Sent } from "../../operator/sent.ts";
import { MessageView } from "./message_view.tsx";
import type { View } from "./view.ts";

/** What a delivery's target was sent, or will be. @param most Most characters of each text. */
export function SentMessage(
  { view, delivery: { id, target, attempts }, sent, most }: {
    view: View;
    delivery: { id: string; target: string; attempts: number };
    sent: Sent;
    most: number;
  },
) {
  const words = view.words.event;
  const isPast = attempts > 0;
  return (
    <details id={`sent-${id}`}>
      <summary>{isPast ? words.sent : words.willBeSent}</summary>
      {"lacks" in sent && <p>{words.sentLacks[sent.lacks]}</p>}
      {"problem" in sent && <p>{words.sentNot} {view.clean(view.say(sent.problem))}</p>}
      {"message" in sent && <Message view={view} target={target} sent={sent} isPast={isPast} most={most} />}
    </details>
  );
}

function Message(
  { view, target, sent: { address, isBytes, message }, isPast, most }: {
    view: View;
    target: string;
    sent: Extract<Sent, { message: unknown }>;
    isPast: boolean;
    most: number;
  },
) {
  const words = view.words.event;
  if (isBytes) return <p class="small muted">{words.sentBytes(address)}</p>;
  const fields = textsOf(message);
  const shown = fields.filter(([name, { length }]) => name !== "html" || length <= most)
    .map(([name, text]) => [name, text.slice(0, most).toWellFormed()] as const);
  return (
    <>
      <p class="small muted">{words.sentTo(address)} {isPast ? words.sentAgain : words.sentNow}</p>
      <MessageView view={view} target={target} fields={shown} />
      {fields.some(([, { length }]) => length > most) && <p class="small">{words.cut}</p>}
    </>
  );
}

/** The fields of a message as texts. */
function textsOf(message: Record<string, unknown>): [name: string, text: string][] {
  return Object.entries(message).map((
    [name, value],
  ) => [name, typeof value === "string" ? value : JSON.stringify(value, null, 2)]);
}

/** Whether a message has HTML in it. */
export function hasHtml(sent: Sent): boolean {
  return "message" in sent && typeof sent.message.html === "string";
}
