/** A default message as one text with the markup of a chat. */

import type { Fact, Notice, Tone } from "./notice.ts";

/** How a chat marks text up. */
export interface Markup {
  /** A text that nothing in it formats. */
  escape(text: string): string;
  /** @param text Is escaped. */
  bold(text: string): string;
  link(label: string, url: string): string;
  /** What is to be typed as it is; `text` has no backtick. Default: the text, escaped, between backticks. */
  code?(text: string): string;
}

/** What is seen first in a full channel; the title says the same in words. */
export const symbols: Record<Tone, string> = { good: "🟢", bad: "🔴", neutral: "🔵" };

/** The title and below it a line for each thing that is known, the most important first: a long text is cut at its end. */
export function writeChat(notice: Notice, markup: Markup): string {
  const { bold } = markup;
  const { tone, title, origin, ...rest } = notice;
  return [
    `${symbols[tone]} ${bold(markup.escape(title))}`,
    ...linesOf(rest, markup),
    "",
    markup.escape(origin),
  ].join("\n");
}

/** All of it but the title and the origin. */
function linesOf({ what, todo, facts, sections, link }: Omit<Notice, "tone" | "title" | "origin">, markup: Markup) {
  const { escape, bold } = markup;
  const line = ([label, value]: Fact, write = escape) => `${bold(`${escape(label)}:`)} ${write(value)}`;
  return [
    ...what.map(escape),
    line(todo, (text) => withCode(text, markup)),
    ...facts.map((fact) => line(fact)),
    ...sections.flatMap(([title, text]) => ["", ...(title ? [bold(escape(title))] : []), escape(text)]),
    ...(link ? [markup.link(link.label, link.url)] : []),
  ];
}

function withCode(text: string, { escape, code = (one) => `\`${escape(one)}\`` }: Markup): string {
  return splitCode(text).map(({ part, isCode }) => isCode ? code(part) : escape(part)).join("");
}

/** The parts of a text in which what stands between backticks is to be typed. */
export function splitCode(text: string): { part: string; isCode: boolean }[] {
  return text.split("`").map((part, at) => ({ part, isCode: at % 2 === 1 }));
}

/** A default message below its title, for a channel that shows titles by themselves and no markup at all. */
export function writePlain({ tone: _, title: __, ...rest }: Notice): string {
  const asIs = (text: string) => text;
  const lines = linesOf(rest, { escape: asIs, bold: asIs, link: (label, url) => `${label}: ${url}` });
  return [...lines, "", rest.origin].join("\n");
}
