/** What a person is told of system events: test messages and alarms. */

import type { RelayEvent } from "../event.ts";
import type { MessageWords } from "../locale/message_words.ts";
import { locales } from "../locale/mod.ts";
import { type AlarmData, type RefusedRequests, systemBody, type SystemData } from "../system_event.ts";
import { inWords } from "../units.ts";
import type { Notice } from "./notice.ts";
import type { MessageStyle } from "./style.ts";

/** @param timeOf Writes a time, given in ISO 8601, for a person. */
export function systemNotice(
  event: Pick<RelayEvent, "type" | "body">,
  { locale, pagesUrl }: MessageStyle,
  timeOf: (iso: unknown) => string,
): Omit<Notice, "origin"> {
  const words = locales[locale].messages;
  const { labels } = words;
  const { timestamp, data: given } = systemBody(event);
  const time: [string, string] = [labels.time, timeOf(timestamp)];
  if (event.type === "relay.test") {
    const { target } = given as SystemData["relay.test"];
    return {
      tone: "neutral",
      title: words.test.title,
      what: [words.test.what(target)],
      todo: [labels.todo, words.nothingTodo],
      facts: [[labels.target, target], time],
      sections: [],
    };
  }
  const data = given as SystemData["relay.alarm.begin"];
  const isBegin = event.type === "relay.alarm.begin";
  const { titles, todo } = words.alarms[data.alarm];
  const [label, path] = links(labels)[data.alarm];
  return {
    tone: isBegin ? "bad" : "good",
    title: isBegin ? titles.begin : titles.end,
    what: [(isBegin ? beginning : ending)(data, words, (ms) => inWords(ms, locale))],
    todo: [labels.todo, isBegin ? todo : words.nothingTodo],
    facts: [...refusedFacts(data, words), [labels.since, timeOf(data.since)], time],
    sections: [],
    ...(pagesUrl !== undefined && { link: { label, url: `${pagesUrl}/${path}` } }),
  };
}

/** The page that shows what an alarm is about: what it is called, and its path. */
const links = ({ dead, events, overview }: MessageWords["labels"]): Record<AlarmData["alarm"], [string, string]> => ({
  dead: [dead, "dead"],
  silent: [events, "events"],
  refused: [overview, ""],
});

function beginning(data: AlarmData, words: MessageWords, duration: (ms: number) => string): string {
  if (data.alarm === "dead") return words.deadBegin(data.limit);
  if (data.alarm === "silent") return words.silentBegin(data.pattern, duration(data.forMs));
  return words.refusedBegin(data.limit, duration(data.withinMs));
}

function ending(data: AlarmData, words: MessageWords, duration: (ms: number) => string): string {
  if (data.alarm === "dead") return words.deadEnd(data.limit);
  return data.alarm === "silent" ? words.silentEnd(data.pattern) : words.refusedEnd(duration(data.withinMs));
}

/** What was refused, a line a source and reason. */
function refusedFacts({ refused = [] }: { refused?: RefusedRequests }, { refusals }: MessageWords): [string, string][] {
  return refused.map(({ source, reason, count }) => [source, `${refusals[reason].name} (${count})`]);
}
