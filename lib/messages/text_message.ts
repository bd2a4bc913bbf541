/** A default message as plain text. */

import type { Notice } from "./notice.ts";

/** The text of an email: paragraphs, and a line for each thing that is known. */
export function writeText(notice: Notice): string {
  const { title, what, todo, facts, sections, link, origin } = notice;
  const lines = [todo, ...facts].map(pair);
  return [
    title,
    what.join("\n"),
    lines[0]!,
    lines.slice(1).join("\n"),
    ...sections.map(([title, text]) => [title.toLocaleUpperCase(), text].filter(Boolean).join("\n")),
    ...(link ? [`${link.label}:\n${link.url}`] : []),
    origin,
  ].join("\n\n") + "\n";
}

function pair([label, value]: [label: string, value: string]): string {
  return `${label}: ${value}`;
}
