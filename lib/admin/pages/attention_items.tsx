/** @jsxImportSource hono/jsx */
/** What needs attention, item by item: what is so, what to do about it, since when, and the buttons for it. */

import { sayReason } from "../../locale/reasons.ts";
import type { Attention } from "../../operator/attention.ts";
import { isReason } from "../../reason.ts";
import { Action, Advice, deadPath, Prose, Time } from "./parts.tsx";
import type { View } from "./view.ts";

/** Kinds that cost events if nobody does something; the others go on by themselves, or as an operator wants. */
const badKinds: readonly Attention["kind"][] = ["silent", "refused", "dead", "open", "failing"];

/** One thing that needs attention. */
export function AttentionItem({ view, item }: { view: View; item: Attention }) {
  return (
    <li class={`item ${badKinds.includes(item.kind) ? "bad" : ""}`}>
      <div>
        <h3>{headOf(view, item)}</h3>
        {item.reason && <Advice view={view} reason={item.reason} />}
        {(!item.reason || item.kind === "open") && (
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

function headOf({ words: { attention } }: View, { kind, target, count }: Attention): string {
  if (kind === "dead") return attention.dead(count, target);
  if (kind === "orphaned") return attention.orphaned(target, count);
  if (kind === "late") return attention.late(target, count);
  if (kind === "refused") return attention.refused(count);
  return attention[kind](target);
}

function todoOf({ words: { attention } }: View, { kind }: Attention): string {
  return kind === "dead" ? "" : attention[`${kind}Todo`];
}

function When({ view, item: { since, until } }: { view: View; item: Attention }) {
  const { attention } = view.words;
  if (!since && !until) return null;
  return (
    <p class="small muted">
      {since && (
        <>
          {attention.since} <Time view={view} at={since} isInText />
        </>
      )}
      {since && until && " · "}
      {until && (
        <>
          {attention.until} <Time view={view} at={until} isInText />
        </>
      )}
    </p>
  );
}

function Buttons({ view, item }: { view: View; item: Attention }) {
  const { attention, targets } = view.words;
  const { kind, target } = item;
  const reason = isReason(item.reason) ? item.reason : undefined;
  const show = (href: string) => (
    <a class="button quiet" href={href} aria-label={`${attention.show}: ${headOf(view, item)}`}>{attention.show}</a>
  );
  const retry = `${attention.retry}: ${
    [target, reason && sayReason(view.words, reason).name].filter(Boolean).join(", ")
  }`;
  return (
    <div class="buttons">
      {(kind === "dead" || kind === "orphaned") && show(deadPath("/dead", { target, reason }))}
      {kind === "dead" && reason && (
        <a class="button" href={deadPath("/dead/retry", { target, reason })} aria-label={retry}>{attention.retry}</a>
      )}
      {kind === "paused" && (
        <Action
          to={`/targets/${encodeURIComponent(target)}/resume`}
          label={targets.resume}
          name={targets.of(targets.resume, target)}
          fields={{ back: "/" }}
        />
      )}
      {["open", "failing", "late", "throttled"].includes(kind) &&
        show(`/events?${new URLSearchParams({ target, state: "pending" })}`)}
    </div>
  );
}
