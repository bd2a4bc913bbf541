/**
 * The text of a `.env` by the relay's own rules, the same on every runtime, whoever reads it.
 *
 * A line is empty, a comment (`#` or `;`), or `NAME=value`, with or without `export` before it. A comment after a value
 * begins with a blank and `#`. Between `'` or backticks everything counts as it is, also line ends. So it does between
 * `"`, but that `\"`, `\\`, `\$` and a backslash before a backtick stand for their second character, `\n` for a line end,
 * and a backslash at the end of a line for nothing. Nothing is expanded. The last of several lines of one name counts.
 */

/** A variable, and the number of its line, from 1. */
export interface Variable {
  value: string;
  line: number;
}

/** What is wrong with a line that was read all the same: it is no assignment, its quote does not end, or ends too early. */
export interface LineProblem {
  line: number;
  problem: "noAssignment" | "openQuote" | "afterQuote";
}

/** The variables of a text by name, and the lines that are not as they should be. */
export interface Dotenv {
  variables: Map<string, Variable>;
  problems: LineProblem[];
}

const LINE = /[^\n\r]*(?:\r\n|\n|\r|$)/y;
const IGNORED = /[ \t]*(?:[#;][^\n\r]*)?(?=[\n\r]|$)/y;
const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=/y;
const QUOTED = /[ \t]*(?:'([^']*)'|`([^`]*)`|"((?:[^"\\]|\\[^])*)")/y;
const OPEN_QUOTE = /[ \t]*['"`]/y;
const AFTER_QUOTE = /[ \t]*(?:#[^\n\r]*)?(?=[\n\r]|$)/y;

/** Reads a text as its lines say. */
export function parseDotenv(text: string): Dotenv {
  const variables: Dotenv["variables"] = new Map();
  const problems: LineProblem[] = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  for (let line = 1, counted = 0; at < text.length; take(LINE)) {
    line += countLines(text.slice(counted, at));
    counted = at;
    if (take(IGNORED)) continue;
    const [, name] = take(ASSIGNMENT) ?? [];
    if (name === undefined) {
      problems.push({ line, problem: "noAssignment" });
      continue;
    }
    const quoted = take(QUOTED);
    if (quoted) {
      const [, single, backtick, double] = quoted;
      variables.set(name, { value: single ?? backtick ?? unescape(double!), line });
      if (!take(AFTER_QUOTE)) problems.push({ line, problem: "afterQuote" });
      continue;
    }
    if (take(OPEN_QUOTE)) {
      at = OPEN_QUOTE.lastIndex - 1;
      problems.push({ line, problem: "openQuote" });
    }
    const [rest] = take(/[^\n\r]*/y)!;
    variables.set(name, { value: rest.replace(/[ \t]#.*$/, "").replaceAll(/^[ \t]+|[ \t]+$/g, ""), line });
  }
  return { variables, problems };
}

function unescape(text: string): string {
  return text.replaceAll(/\\(\r\n|[^])/g, (whole, next: string) => {
    if (next === "n") return "\n";
    if (/^[\r\n]/.test(next)) return "";
    return '"\\$`'.includes(next) ? next : whole;
  });
}

function countLines(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

/** A value as it is written in a `.env` so that every reader of these, systemd too, takes it for what it is. */
export function quoteValue(value: string): string {
  if (/^[\w:/@.+~%?&=,;-]*$/.test(value)) return value;
  return value.includes("'") ? `"${value.replaceAll(/["\\$`]/g, "\\$&")}"` : `'${value}'`;
}
