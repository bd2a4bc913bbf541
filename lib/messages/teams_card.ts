/** Messages as cards that Microsoft Teams shows. @see https://adaptivecards.io/explorer/RichTextBlock.html */

import { splitCode, symbols } from "./chat_message.ts";
import { bytes, cut, cutMarked, jsonBytes } from "./cut.ts";
import type { Fact, Notice } from "./notice.ts";

/** A message with one card. A type alias, so that it is a record of its keys. */
export type CardMessage = { type: "message"; attachments: object[] };

/** A piece of a line. What it says is never read as Markdown. */
interface Run {
  type: "TextRun";
  text: string;
  weight?: "Bolder";
  fontType?: "Monospace";
  size?: "Medium" | "Small";
  isSubtle?: boolean;
}

/** A default message. What does not fit is left out from below, never the title nor the origin. */
export function writeCard(notice: Notice, maxBytes: number): CardMessage {
  const { tone, title, what, todo, facts, sections, link, origin } = notice;
  const head = line([run(`${symbols[tone]} ${title}`, { weight: "Bolder", size: "Medium" })]);
  const foot = line([run(origin, { size: "Small", isSubtle: true })]);
  const actions = link && [{ type: "Action.OpenUrl", title: link.label, url: link.url }];
  const lines = [
    ...what.map((text) => [run(text)]),
    [label(todo), ...splitCode(todo[1]).map(({ part, isCode }) => run(part, isCode ? { fontType: "Monospace" } : {}))],
    ...facts.map((fact) => [label(fact), run(fact[1])]),
    // A line break within a run is not shown.
    ...sections.flatMap(([title, text]) => [
      ...(title ? [[run(title, { weight: "Bolder" })]] : []),
      ...text.split("\n").map((one) => [run(one)]),
    ]),
  ];
  const room = maxBytes - sizeOf(messageOf([head, foot], actions));
  return messageOf([head, ...linesWithin(lines, room), foot], actions);
}

/** A message with a text of the config, in the Markdown of Teams. */
export function writeTextCard(text: string, maxBytes: number): CardMessage {
  const card = (text: string) => messageOf([{ type: "TextBlock", text, wrap: true }]);
  return card(cutMarked(withBreaks(text), maxBytes - sizeOf(card("")), MARKED));
}

/**
 * Text that a `TextBlock` shows as it is: a backslash goes before what formats or links, as in CommonMark, of which Teams
 * reads a part. Nor does `{{DATE(…)}}` become a date.
 * @see https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
 */
export function escapeTeams(text: string): string {
  return text
    .replaceAll(/[\\`*_[\]<~&]|(?<=\{)\{/g, "\\$&")
    .replaceAll(/:(?=\/\/)/g, "\\:")
    .replaceAll(/^([^\S\r\n]*)(#{1,6}(?=\s)|[-+](?=\s)|>)/gm, "$1\\$2")
    .replaceAll(/^([^\S\r\n]*\d+)([.)])(?=\s)/gm, "$1\\$2");
}

/** A character with its backslash, and a link. */
const MARKED = {
  whole: /\\[^]|\[[^[\]\n]{0,500}\]\([^()\s]{0,2000}\)/g,
  marks: ["**", "__", "*", "_"],
  measure: jsonBytes,
};

/** Markdown joins lines; those of the config's text stay apart. In a list each item begins a line anyway. */
function withBreaks(text: string): string {
  return text.replaceAll(/\r?\n(?!\s|[-*+]\s|\d+[.)]\s)/g, (_, at: number) => text[at - 1] === "\n" ? "\n" : "\n\n");
}

/** The first lines, of which the last may be cut, as they fit into this many bytes. */
function linesWithin(lines: readonly Run[][], maxBytes: number): object[] {
  const kept: object[] = [];
  let room = maxBytes;
  for (const runs of lines) {
    const whole = line(runs);
    room -= sizeOf(whole) + 1; // and a comma
    if (room >= 0) {
      kept.push(whole);
      continue;
    }
    const last = runs.at(-1)!;
    const left = jsonBytes(last.text) + room;
    if (left > MIN_LEFT) {
      kept.push(line([...runs.slice(0, -1), { ...last, text: cut(last.text, left, undefined, jsonBytes) }]));
    }
    break;
  }
  return kept;
}

/** A line of which less than this is left, in bytes, is left out as a whole. */
const MIN_LEFT = 20;

function run(text: string, look: Partial<Run> = {}): Run {
  return { type: "TextRun", text, ...look };
}

function label([text]: Fact): Run {
  return run(`${text}: `, { weight: "Bolder" });
}

function line(inlines: Run[]): object {
  return { type: "RichTextBlock", inlines };
}

function messageOf(body: object[], actions?: object[]): CardMessage {
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.2",
    body,
    actions,
    msteams: { width: "full" },
  };
  return {
    type: "message",
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content }],
  };
}

function sizeOf(value: object): number {
  return bytes(JSON.stringify(value));
}
