/** @jsxImportSource hono/jsx */
/** Pages that ask before something is sent again, and say what will happen. */

import { sayReason } from "../../locale/reasons.ts";
import type { Child } from "hono/jsx";
import type { Story } from "../../operator/story.ts";
import type { DeadFilter } from "../../store/operator.ts";
import type { Page } from "./layout.tsx";
import { Action, Advice, deadPath, eventPath } from "./parts.tsx";
import type { View } from "./view.ts";

/** Asks before dead letters are retried. */
export function confirmDeadPage(view: View, filter: DeadFilter, count: number): Page {
  const { dead } = view.words;
  const { target, reason } = filter;
  return confirmPage({
    title: dead.ask,
    text: (
      <>
        <p>{target ? dead.askTarget(count, target) : dead.askAll(count)}</p>
        {reason && <p>{dead.askReason(sayReason(view.words, reason).name)}</p>}
        {reason && <Advice view={view} reason={reason} />}
        <p class="after">{dead.consequence}</p>
      </>
    ),
    action: (
      <Action
        to="/dead/retry"
        label={dead.confirm(count)}
        fields={{ ...(target && { target }), ...(reason && { reason }) }}
      />
    ),
    back: [deadPath("/dead", filter), dead.cancel],
  });
}

/** Asks before one delivery is retried that is dead or waiting. */
export function confirmRetryPage(
  view: View,
  story: Story,
  { id, target, state, reason }: Story["deliveries"][number],
): Page {
  const { event } = view.words;
  return confirmPage({
    title: event.retryAsk(target),
    text: (
      <>
        <About story={story} />
        <p>{state === "dead" ? event.retryDead : event.retryWaiting}</p>
        {reason && <Advice view={view} reason={reason} />}
      </>
    ),
    action: <Action to={`/deliveries/${id}/retry`} label={event.retryNow} />,
    back: [eventPath(story.id), event.cancel],
  });
}

/** Asks before an event is replayed; says so if there is nothing to replay. */
export function confirmReplayPage(view: View, story: Story): Page {
  const { event } = view.words;
  const { targets } = story.routing;
  const twice = targets.filter((target) =>
    story.deliveries.some((one) => one.target === target && one.state === "delivered")
  );
  const isNowhere = targets.length === 0;
  return confirmPage({
    title: event.replayAsk,
    text: (
      <>
        <About story={story} />
        <p>{isNowhere ? event.replayNowhere : event.replayLead(targets)}</p>
        {twice.length > 0 && <p>{event.replayTwice(twice)}</p>}
      </>
    ),
    action: isNowhere ? null : <Action to={`${eventPath(story.id)}/replay`} label={event.replayNow} />,
    back: [eventPath(story.id), isNowhere ? event.back : event.cancel],
  });
}

function About({ story: { type, id } }: { story: Story }) {
  return (
    <p class="break">
      <strong>{type}</strong> <span class="id muted">{id}</span>
    </p>
  );
}

function confirmPage(
  { title, text, action, back: [href, label] }: {
    title: string;
    text: Child;
    action: Child;
    back: readonly [href: string, label: string];
  },
): Page {
  return {
    title,
    content: (
      <>
        <h1>{title}</h1>
        <div class="card">
          {text}
          <div class="buttons after">
            {action}
            <a class="button quiet" href={href}>{label}</a>
          </div>
        </div>
      </>
    ),
  };
}
