/** @jsxImportSource hono/jsx */
/** Small parts that pages are made of: times, states, tables, buttons. */

import { sayReason } from "../../locale/reasons.ts";
import type { Child } from "hono/jsx";
import type { Reason } from "../../reason.ts";
import type { StateName, View } from "./view.ts";

/** How a state looks; the word beside it says the same. */
type Tone = "good" | "busy" | "warn" | "bad" | "quiet";

const tones: Record<StateName, Tone> = {
  ok: "good",
  failing: "bad",
  dead_letters: "warn",
  delivered: "good",
  accepted: "quiet",
  pending: "busy",
  in_flight: "busy",
  throttled: "warn",
  paused: "warn",
  unrouted: "warn",
  running: "good",
  stopping: "busy",
  stopped: "quiet",
  lost: "bad",
  orphaned: "warn",
  open: "bad",
  dead: "bad",
  skipped: "quiet",
};

/** Outlines in a square of 12: each tone has a shape of its own, for those who do not see the colour. */
const shapes: Record<Tone, string> = {
  good: "M2 6.5 5 9.5 10.5 3",
  busy: "M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM6 3.5V6l2 1.5",
  warn: "M6 1.5 11 10.5H1ZM6 5v2.5M6 9v.1",
  bad: "M2.5 2.5l7 7M9.5 2.5l-7 7",
  quiet: "M3.5 6h5",
};

/** A state: its shape and its word. */
export function State({ view, state }: { view: View; state: StateName }) {
  return <Mark tone={tones[state]}>{view.words.states[state]}</Mark>;
}

/** A word with the shape and colour of a tone. */
export function Mark({ tone, children }: { tone: Tone; children?: Child }) {
  return (
    <span class={`mark ${tone}`}>
      <svg class="shape" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d={shapes[tone]} />
      </svg>
      {children}
    </span>
  );
}

/**
 * A time: how far from now, and when exactly. Within a sentence it is the other way round. Where there is little room the
 * second shows under the mouse alone.
 */
export function Time(
  { view: { format }, at, isInText, isShort }: { view: View; at: string; isInText?: boolean; isShort?: boolean },
) {
  const ms = Date.parse(at);
  const relative = <span class="relative">{format.relative(ms)}</span>;
  if (isShort) return <time datetime={at} title={format.absolute(ms)}>{relative}</time>;
  const absolute = <span class="absolute">{format.absolute(ms)}</span>;
  return <time datetime={at}>{isInText ? <>{absolute} ({relative})</> : <>{relative} {absolute}</>}</time>;
}

/** A time that may not have come yet; a dash, read as "never", where there is none. */
export function MaybeTime({ view, at, isShort }: { view: View; at: string | null; isShort?: boolean }) {
  return at === null ? <Nothing word={view.words.never} /> : <Time view={view} at={at} isShort={isShort} />;
}

/** A dash, which is read as a word. */
export function Nothing({ word }: { word: string }) {
  return (
    <>
      <span aria-hidden="true">–</span>
      <span class="hidden">{word}</span>
    </>
  );
}

/** A text in which what stands between backticks is code. */
export function Prose({ text }: { text: string }) {
  return <>{text.split("`").map((part, at) => at % 2 === 1 ? <code>{part}</code> : part)}</>;
}

/** What a failure is, and what to do about it. */
export function Advice({ view, reason }: { view: View; reason: Reason }) {
  const { name, advice } = sayReason(view.words, reason);
  return (
    <p class="advice">
      <strong>{name}</strong>: <Prose text={advice} />
    </p>
  );
}

/** A table. On a narrow screen its rows become blocks; the roles keep it a table for screen readers all the same. */
export function Table(
  { caption, isCaptionHidden, head, name, children }: {
    caption: string;
    isCaptionHidden?: boolean;
    /** A class, where it has a look of its own. */
    name?: string;
    head: readonly string[];
    children: Child;
  },
) {
  return (
    <table role="table" class={name}>
      <caption class={isCaptionHidden ? "hidden" : undefined}>{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {head.map((name) => <th scope="col" role="columnheader">{name}</th>)}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}

/** A row; its cells are named as the columns are, for when they stand below each other. The first cell heads the row. */
export function Row({ head, cells }: { head: readonly string[]; cells: readonly Child[] }) {
  const [first, ...rest] = cells;
  return (
    <tr role="row">
      <th scope="row" role="rowheader" data-label={head[0]}>
        <div>{first}</div>
      </th>
      {rest.map((cell, at) => (
        <td role="cell" data-label={head[at + 1]}>
          <div>{cell}</div>
        </td>
      ))}
    </tr>
  );
}

/** A button that changes something: a form of its own, which works without a script. */
export function Action(
  { to, label, name, fields = {}, isQuiet }: {
    to: string;
    label: string;
    /** What a screen reader says, where the label alone could be any of several. */
    name?: string;
    fields?: Record<string, string>;
    isQuiet?: boolean;
  },
) {
  return (
    <form method="post" action={to} class="action">
      {Object.entries(fields).map(([key, value]) => <input type="hidden" name={key} value={value} />)}
      <button type="submit" class={isQuiet ? "quiet" : undefined} aria-label={name}>{label}</button>
    </form>
  );
}

/** Names and values. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: Child])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The address of an event's page. */
export function eventPath(id: string): string {
  return `/events/${id}`;
}

/** The address of the list of dead letters, or of what retries them. */
export function deadPath(path: "/dead" | "/dead/retry", filter: { target?: string; reason?: string }): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value) as [string, string][]);
  return query.size > 0 ? `${path}?${query}` : path;
}
