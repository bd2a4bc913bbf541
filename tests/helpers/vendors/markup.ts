/** Reads a chat's markup as its apps do, as far as a test needs it. */

import type { Shown } from "./server.ts";

/** A pattern, the effect of what it matches, and which part of that is shown. Effects of the part itself count too. */
export interface Rule {
  /** Sticky. */
  pattern: RegExp;
  /** Absent: it has none, such as a backslash before a character. */
  effect?: string;
  /** Default: the first group. */
  shows?(match: RegExpExecArray): string;
  /** What is shown is read no further. */
  isPlain?: boolean;
}

/** What a reader sees. Of several rules that fit at a place, the first counts. */
export function readMarkup(text: string, rules: readonly Rule[]): Shown {
  let shown = "";
  const effects: string[] = [];
  for (let at = 0; at < text.length;) {
    const found = matchAt(text, at, rules);
    if (!found) {
      shown += text[at++];
      continue;
    }
    const { rule: { effect, shows, isPlain }, match } = found;
    const part = shows ? shows(match) : match[1] ?? "";
    const inner = isPlain ? { text: part, effects: [] } : readMarkup(part, rules);
    if (effect) effects.push(`${effect}: ${inner.text}`);
    effects.push(...inner.effects);
    shown += inner.text;
    at += match[0].length;
  }
  return { text: shown, effects };
}

function matchAt(text: string, at: number, rules: readonly Rule[]) {
  for (const rule of rules) {
    rule.pattern.lastIndex = at;
    const match = rule.pattern.exec(text);
    if (match) return { rule, match };
  }
}

/** Marks of CommonMark and what is made of it: `*`, `_` not within words, `**`, `~~`, code, links. */
export const escaped: Rule = { pattern: /\\([^0-9A-Za-z\s])/y, isPlain: true };
export const code: Rule = {
  pattern: /(`+)([^`]+)\1(?!`)/y,
  effect: "code",
  shows: (match) => match[2]!,
  isPlain: true,
};
export const link: Rule = { pattern: /\[((?:\\.|[^\]\\])+)\]\(([^)\s]+)\)/y, effect: "link" };
export const bareLink: Rule = {
  pattern: /https?:\/\/[^\s<]+/y,
  effect: "link",
  shows: (match) => match[0],
  isPlain: true,
};
export const list: Rule = {
  pattern: /(?<=^|\n)[ \t]*(?:[-*+]|\d+\.|#{1,3}|-#|>)[ \t]+(?=\S)/y,
  effect: "line",
  shows: () => "",
};

/** A mark on both sides of a text, in which backslashes may stand. @param edge What a mark does not touch outside. */
export function pair(mark: string, effect: string, edge = ""): Rule {
  const quoted = mark.replaceAll(/[*|]/g, "\\$&");
  const before = edge && `(?<!${edge})`;
  const after = edge && `(?!${edge})`;
  return {
    pattern: new RegExp(`${before}${quoted}(?=\\S)((?:\\\\[^]|[^\\\\])+?)(?<=\\S)${quoted}${after}`, "yu"),
    effect,
  };
}
