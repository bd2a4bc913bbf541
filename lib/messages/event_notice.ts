/** What a person is told of an event where the config gives no message: from whatever the event holds. */

import type { NoteSection } from "../connectvets/note.ts";
import { payloadOf, type ReadableEvent } from "../event.ts";
import type { ErrorWords, MessageWords, WordedEvent } from "../locale/message_words.ts";
import { type Language, locales } from "../locale/mod.ts";
import { isSystem } from "../system_event.ts";
import type { Fact, Notice, Tone } from "./notice.ts";
import type { MessageStyle } from "./style.ts";
import { systemNotice } from "./system_notice.ts";
import { firstTime, lineOf, linesOf, localTime, objectOf } from "./values.ts";

/** The sender names things as it likes; what is longer is cut. */
const MAX_NAME = 80;
const MAX_LINE = 300;
const MAX_SECTIONS = 20;
const MAX_SECTION_TEXT = 5_000;

const tones: Record<WordedEvent, Tone> = {
  "note.processing": "neutral",
  "note.completed": "good",
  "note.failed": "bad",
  "note.transcription.completed": "good",
  "note.transcription.failed": "bad",
  test: "good",
};

/** What a person is told of an event. */
export function noticeOf(event: ReadableEvent, style: MessageStyle): Notice {
  const { locale, timeZone, pagesUrl } = style;
  const language = locales[locale];
  const words = language.messages;
  const type = lineOf(event.type, MAX_NAME) ?? "?";
  const timeOf = (...times: unknown[]) => localTime(firstTime(...times) ?? event.receivedAt, locale, timeZone);
  const common = {
    origin: words.origin(event.id, type),
    link: pagesUrl === undefined ? undefined : { label: words.labels.event, url: `${pagesUrl}/events/${event.id}` },
  };
  if (isSystem(event)) return { ...common, ...systemNotice(event, style, timeOf) };

  const payload = payloadOf(event);
  const data = objectOf(payload.data);
  const { note } = event;
  const name = lineOf(note?.name, MAX_NAME) ?? lineOf(data.name, MAX_NAME);
  const client = lineOf(data.external_id, MAX_NAME) ?? lineOf(note?.external_id, MAX_NAME);
  const noteId = lineOf(data.note_id ?? data.id, MAX_NAME);
  const sections = sectionsOf(note?.note_sections ?? [], language);
  const { tone, title, what, todo } = eventWords(event.type, type, words);
  const error = errorOf(data.error, words);
  const { labels } = words;
  const who = name ?? client ?? noteId;
  return {
    ...common,
    tone,
    title: who ? `${title}: ${who}` : title,
    what: [what(name ? words.of(name) : client ? words.ofClient(client) : ""), ...error.why],
    todo: [labels.todo, error.todo ?? todo],
    facts: known([
      [labels.patient, name],
      [labels.client, client],
      [labels.note, noteId],
      [labels.sections, sections.titles],
      [labels.time, timeOf(data.failed_at, data.completed_at, payload.timestamp)],
      [labels.error, error.asGiven],
    ]),
    sections: style.includeNoteText ? sections.texts : [],
  };
}

/** The words of an event; a type such as "constructor" has none, though every object has one. */
function eventWords(type: string, shown: string, words: MessageWords) {
  if (Object.hasOwn(words.events, type)) {
    return { ...words.events[type as WordedEvent], tone: tones[type as WordedEvent] };
  }
  return {
    tone: "neutral" as const,
    title: words.otherTitle(shown),
    what: () => words.otherWhat(shown),
    todo: words.otherTodo,
  };
}

/** What happened in an event of this type, in a few words. */
export function typeTitle(type: string, words: MessageWords): string {
  return eventWords(type, lineOf(type, MAX_NAME) ?? "?", words).title;
}

/** What is said of an error: why in words, what to do if that is known, and as it was given if the words are ours. */
function errorOf(error: unknown, words: MessageWords): { why: string[]; todo?: string; asGiven?: string } {
  const code = lineOf(objectOf(error).code, MAX_NAME);
  const message = lineOf(typeof error === "string" ? error : objectOf(error).message, MAX_LINE);
  const own: ErrorWords | undefined = code !== undefined && Object.hasOwn(words.errors, code)
    ? words.errors[code as keyof MessageWords["errors"]]
    : undefined;
  const given = message && code ? `${message} (${code})` : message ?? code;
  if (own) return { why: [own.why], todo: own.todo, asGiven: given };
  if (message) return { why: [words.errorSays(given!)] };
  return { why: code ? [words.errorCode(code)] : [] };
}

/** The titles of a note's sections on one line, and each with its text. */
function sectionsOf(
  sections: readonly NoteSection[],
  { forms, messages }: Language,
): { titles?: string; texts: Fact[] } {
  const titled = sections.map((section) => ({
    title: lineOf(section.title, MAX_NAME) ?? lineOf(section.label, MAX_NAME),
    text: linesOf(section.content, MAX_SECTION_TEXT),
  }));
  const titles = titled.flatMap(({ title }) => title ?? []);
  const more = titles.length > MAX_SECTIONS ? [messages.more(titles.length - MAX_SECTIONS)] : [];
  return {
    titles: forms.and([...titles.slice(0, MAX_SECTIONS), ...more]) || undefined,
    texts: titled.slice(0, MAX_SECTIONS).flatMap(({ title = "", text }): Fact[] => text ? [[title, text]] : []),
  };
}

function known(facts: [label: string, value: string | undefined][]): Fact[] {
  return facts.filter((fact): fact is Fact => fact[1] !== undefined);
}
