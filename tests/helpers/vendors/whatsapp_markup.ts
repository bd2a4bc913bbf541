/** Reads WhatsApp's markup as its apps do, and where they differ, as the one that formats more. @see https://faq.whatsapp.com/539178204879377 */

import { readMarkup, type Rule } from "./markup.ts";
import type { Shown } from "./server.ts";

/** A mark counts at the edges of words, and not beside a zero-width space. */
const pair = (mark: string, effect: string): Rule => ({
  pattern: new RegExp(
    `(?<![\\p{L}\\p{N}\\u200b])${mark}(?![\\s\\u200b])([^\\n]+?)(?<![\\s\\u200b])${mark}(?![\\p{L}\\p{N}])`,
    "yu",
  ),
  effect,
});

const rules: readonly Rule[] = [
  { pattern: /```([^]+?)```/y, effect: "code", isPlain: true },
  { pattern: /(?<!\u200b)`(?!\u200b)([^`\n]+?)`/y, effect: "code", isPlain: true },
  { pattern: /(?<=^|\n)(?:[-*>]|\d+\.) (?=\S)/y, effect: "line", shows: () => "" },
  pair("\\*", "bold"),
  pair("_", "italic"),
  pair("~", "strike"),
];

/** What a reader sees of a text, and what is formatted in it. */
export function readWhatsapp(text: string): Shown {
  return readMarkup(text, rules);
}
