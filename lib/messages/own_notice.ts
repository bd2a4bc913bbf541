/** What a person is told of relay's own events: test messages and alarms. */

import type { Payload } from "../event.ts";
import type { AlarmData, OwnData } from "../own_event.ts";
import { inWords } from "../units.ts";
import type { Notice } from "./notice.ts";
import type { MessageStyle } from "./style.ts";
import { type Words, wordsOf } from "./words.ts";

/** @param timeOf Writes a time, given in ISO 8601, for a person. */
export function ownNotice(
  payload: Payload,
  { locale, pagesUrl }: MessageStyle,
  timeOf: (iso: unknown) => string,
): Omit<Notice, "origin"> {
  const words = wordsOf(locale);
  const { labels } = words;
  const time: [string, string] = [labels.time, timeOf(payload.timestamp)];
  if (payload.event === "relay.test") {
    const { target } = payload.data as OwnData["relay.test"];
    return {
      tone: "neutral",
      title: words.test.title,
      what: [words.test.what(target)],
      todo: [labels.todo, words.nothingTodo],
      facts: [[labels.target, target], time],
      sections: [],
    };
  }
  const data = payload.data as AlarmData;
  const isBegin = payload.event === "relay.alarm.begin";
  const { titles, todo } = words.alarms[data.alarm];
  const [label, path] = data.alarm === "dead" ? [labels.dead, "dead"] : [labels.events, "events"];
  return {
    tone: isBegin ? "bad" : "good",
    title: isBegin ? titles.begin : titles.end,
    what: [(isBegin ? beginning : ending)(data, words, (ms) => inWords(ms, locale))],
    todo: [labels.todo, isBegin ? todo : words.nothingTodo],
    facts: [[labels.since, timeOf(data.since)], time],
    sections: [],
    ...(pagesUrl !== undefined && { link: { label, url: `${pagesUrl}/${path}` } }),
  };
}

function beginning(data: AlarmData, words: Words, duration: (ms: number) => string): string {
  return data.alarm === "dead" ? words.deadBegin(data.limit) : words.silentBegin(data.pattern, duration(data.forMs));
}

function ending(data: AlarmData, words: Words): string {
  return data.alarm === "dead" ? words.deadEnd(data.limit) : words.silentEnd(data.pattern);
}
