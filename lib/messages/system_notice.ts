/** What a person is told of system events: test messages and alarms. */

import type { RelayEvent } from "../event.ts";
import { type Language, locales } from "../locale/mod.ts";
import type { MessageWords } from "../locale/message_words.ts";
import { sayReason } from "../locale/reasons.ts";
import { isAboutSignature } from "../refusal.ts";
import { systemBody, type SystemData } from "../system_event.ts";
import type { AlarmData } from "../alarm.ts";
import type { Fact, Notice } from "./notice.ts";
import type { MessageStyle } from "./style.ts";

type Begin = SystemData["relay.alarm.begin"];

/** Most targets, or sources, that a title names. */
const MAX_NAMES = 3;

/** @param timeOf Writes a time, given in ISO 8601, for a person. */
export function systemNotice(
  event: Pick<RelayEvent, "type" | "body">,
  { locale, pagesUrl }: MessageStyle,
  timeOf: (iso: unknown) => string,
): Omit<Notice, "origin"> {
  const language = locales[locale];
  const words = language.messages;
  const { labels } = words;
  const { timestamp, data: given } = systemBody(event);
  if (event.type === "relay.test") {
    const { target } = given as SystemData["relay.test"];
    return {
      tone: "neutral",
      title: words.test.title,
      what: [words.test.what(target)],
      todo: [labels.todo, words.nothingTodo],
      facts: [[labels.target, target], [labels.time, timeOf(timestamp)]],
      sections: [],
    };
  }
  const data = given as Begin;
  const { titles } = words.alarms[data.alarm];
  const [label, path] = links(labels)[data.alarm];
  const shared = {
    sections: [],
    ...(pagesUrl !== undefined && { link: { label, url: `${pagesUrl}/${path}` } }),
  };
  if (event.type === "relay.alarm.begin") {
    const names = namesOf(data);
    return {
      ...shared,
      tone: "bad",
      title: names.length > 0 ? `${titles.begin} (${names.join(", ")})` : titles.begin,
      what: [beginning(data, language)],
      todo: [labels.todo, todoOf(data, words)],
      facts: [...causes(data, words, timeOf), [labels.since, timeOf(data.since)]],
    };
  }
  const lasted = roughly(Date.parse(timestamp) - Date.parse(data.since));
  return {
    ...shared,
    tone: "good",
    title: titles.end,
    what: [ending(data, language), words.lasted(language.forms.duration(lasted))],
    todo: [labels.todo, words.nothingTodo],
    facts: [[labels.began, timeOf(data.since)], [labels.ended, timeOf(timestamp)]],
  };
}

/** The page that shows what an alarm is about: what it is called, and its path. */
const links = ({ dead, events, overview }: MessageWords["labels"]): Record<AlarmData["alarm"], [string, string]> => ({
  dead: [dead, "dead"],
  silent: [events, "events"],
  refused: [overview, ""],
});

/** The targets or the sources that an alarm is about; none if there are too many for a title. */
function namesOf(data: Begin): string[] {
  if (data.alarm === "silent") return [data.pattern];
  const all = [...(data.dead ?? []).map(({ target }) => target), ...(data.refused ?? []).map(({ source }) => source)];
  const names = [...new Set(all)];
  return names.length <= MAX_NAMES ? names : [];
}

function beginning(data: Begin, { forms, messages }: Language): string {
  const { dead = [], refused = [] } = data;
  const count = [...dead, ...refused].reduce((sum, one) => sum + one.count, 0);
  if (data.alarm === "silent") return messages.silentBegin(data.pattern, forms.duration(data.forMs));
  const known = Math.max(count, data.limit); // what an earlier version stored names none
  return data.alarm === "dead"
    ? messages.deadBegin(known)
    : messages.refusedBegin(known, forms.duration(data.withinMs));
}

function ending(data: AlarmData, { forms, messages }: Language): string {
  if (data.alarm === "dead") return messages.deadEnd(data.limit);
  return data.alarm === "silent"
    ? messages.silentEnd(data.pattern)
    : messages.refusedEnd(forms.duration(data.withinMs));
}

/** What to do about the cause of most of it, and how to go on. */
function todoOf({ alarm, dead = [], refused = [] }: Begin, words: MessageWords): string {
  const [failed] = dead;
  const [first] = refused;
  return [
    ...(failed ? [sayReason(words, failed.reason).advice] : []),
    ...(first ? [words.refusals[first.reason].advice] : []),
    ...(first && isAboutSignature(first) ? [words.refusedCheck] : []),
    words.alarms[alarm].todo,
  ].join(" ");
}

/** What failed, a line for each target and reason; or what was refused, one for each source and reason. */
function causes({ dead = [], refused = [] }: Begin, words: MessageWords, timeOf: (iso: unknown) => string): Fact[] {
  return [
    ...dead.map(({ target, reason, count, since }): Fact => {
      const counted = words.deadSince(count, timeOf(since));
      return [target, `${sayReason(words, reason).name}, ${counted}`];
    }),
    ...refused.map(({ source, reason, count }): Fact => [
      source,
      `${words.refusals[reason].name}, ${words.refusedCount(count)}`,
    ]),
  ];
}

const units = [86_400_000, 3_600_000, 60_000, 1_000];

/** A span in whole units, of which there are two at least: 3 hours, but 95 minutes. In milliseconds. */
function roughly(ms: number): number {
  const unit = units.find((one) => ms >= 2 * one) ?? 1_000;
  return Math.max(1_000, Math.round(ms / unit) * unit);
}
