/** A default message as Slack shows it: blocks, and a text for where blocks cannot be shown. */

import { cut } from "./cut.ts";
import type { Fact, Notice, Tone } from "./notice.ts";

/** @see https://docs.slack.dev/reference/block-kit/blocks */
const MAX_HEADER = 150;
const MAX_TEXT = 3_000;
const MAX_FIELD = 2_000;
const MAX_FACTS = 5; // a section has at most 10 fields, and a fact takes two

/** What is seen first in a full channel; the title says the same in words. */
const symbols: Record<Tone, string> = { good: "🟢", bad: "🔴", neutral: "🔵" };

/** @see https://docs.slack.dev/messaging/formatting-message-text#escaping */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Half of an `&amp;` or of a link would show as garbage. */
const WHOLE = /&(?:amp|lt|gt);|<[^<>\n]{1,3000}>/g;

/** A text that Slack takes: it refuses a longer one whole, and the notification would be lost. */
export function fitSlack(text: string, max: number): string {
  return cut(text, max, WHOLE);
}

/** The text that notifications show, and clients that show no blocks. */
export function writeSlackText({ title, what, todo, facts, link, origin }: Notice): string {
  return [
    `*${escapeSlack(title)}*`,
    ...[...what, ...[todo, ...facts].map(([label, value]) => `${label}: ${value}`)].map(escapeSlack),
    ...(link ? [linkOf(link)] : []),
    escapeSlack(origin),
  ].join("\n");
}

/**
 * The blocks. What came in stands in plain text, where Slack reads no markup; what is formatted is ours.
 * There are fewer than the 50 that a message may have: a notice has at most 20 sections.
 */
export function writeSlackBlocks(notice: Notice): object[] {
  const { tone, title, what, todo, facts, sections, link, origin } = notice;
  const [label, value] = todo;
  return [
    { type: "header", text: plain(`${symbols[tone]} ${title}`, MAX_HEADER) },
    { type: "section", text: plain(what.join("\n")) },
    { type: "section", text: markup(`*${label}*\n${escapeSlack(value)}`) },
    ...chunk(facts, MAX_FACTS).map((some) => ({ type: "section", fields: some.flatMap(fieldsOf) })),
    ...sections.flatMap(([title, text]) => [
      ...(title ? [{ type: "header", text: plain(title, MAX_HEADER) }] : []),
      { type: "section", text: plain(text) },
    ]),
    { type: "context", elements: [...(link ? [markup(linkOf(link))] : []), plain(origin)] },
  ];
}

/** Two fields: Slack shows them side by side, or on a phone one below the other. */
function fieldsOf([label, value]: Fact): object[] {
  return [markup(`*${label}*`), plain(value, MAX_FIELD)];
}

function chunk<Value>(values: readonly Value[], size: number): Value[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, at) => values.slice(at * size, (at + 1) * size));
}

function plain(text: string, max = MAX_TEXT) {
  return { type: "plain_text", text: fitSlack(escapeSlack(text), max), emoji: false };
}

/** `verbatim` keeps Slack from making links and mentions of words. */
function markup(text: string) {
  return { type: "mrkdwn", text: fitSlack(text, MAX_TEXT), verbatim: true };
}

function linkOf({ label, url }: { label: string; url: string }): string {
  return `<${url}|${label}>`;
}
