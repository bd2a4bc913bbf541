/** What a person is told of several events in one message. */

import type { ReadableEvent } from "../event.ts";
import { formatOf } from "../locale/format.ts";
import { locales } from "../locale/mod.ts";
import { DAY_MS, wallTime } from "../zone.ts";
import { noticeOf, typeTitle } from "./event_notice.ts";
import type { Fact, Notice, Tone } from "./notice.ts";
import type { MessageStyle } from "./style.ts";

/** Most kinds of event that are counted by name. */
const MAX_KINDS = 10;

/** What a person is told of these events, of which there is one at least: how many of each kind, then a line for each. */
export function digestNotice(events: readonly ReadableEvent[], style: MessageStyle): Notice {
  const { locale, timeZone, pagesUrl } = style;
  const words = locales[locale].messages;
  const told = events.map((event) => ({ event, ...noticeOf(event, style) }));
  const times = events.map(({ receivedAt }) => receivedAt);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const dayOf = (at: number) => Math.floor(wallTime(timeZone, at) / DAY_MS);
  const isOneDay = dayOf(first) === dayOf(last);
  // A time is told with its date where it is compared with one of another day.
  const timeOf = (at: number) =>
    isOneDay
      ? formatOf(locale, timeZone, at).hour(at)
      : formatOf(locale, timeZone, dayOf(at) === dayOf(last) ? first : last).short(at);
  return {
    tone: toneOf(told.map(({ tone }) => tone)),
    title: words.digest[isOneDay ? "titleOfDay" : "titleOfDays"](events.length, timeOf(first), timeOf(last)),
    what: kindsOf(events, style),
    todo: [words.labels.todo, words.digest.todo],
    facts: told.map(({ event, title }): Fact => [timeOf(event.receivedAt), title]),
    sections: [],
    link: pagesUrl === undefined ? undefined : { label: words.labels.events, url: `${pagesUrl}/events` },
    origin: words.digest.origin(timeZone),
  };
}

/** Bad news if any is, and good news if all is. */
function toneOf(tones: readonly Tone[]): Tone {
  return tones.includes("bad") ? "bad" : tones.every((tone) => tone === "good") ? "good" : "neutral";
}

/** How many there are of each kind, the most first. */
function kindsOf(events: readonly ReadableEvent[], { locale }: MessageStyle): string[] {
  const { forms, messages: words } = locales[locale];
  const counts = [...Map.groupBy(events, ({ type }) => typeTitle(type, words))]
    .map(([title, some]) => ({ title, count: some.length })).sort((one, other) => other.count - one.count);
  const others = counts.slice(MAX_KINDS).reduce((sum, { count }) => sum + count, 0);
  return [
    ...counts.slice(0, MAX_KINDS).map(({ title, count }) => `${forms.number(count)} × ${title}`),
    ...(others > 0 ? [words.more(others)] : []),
  ];
}
