/** Reads the source of a config. Babel's parser is loaded only here: for a config with a mistake. */

import type { Phrase } from "../../locale/phrase.ts";

/** A part of a text, by its first index and the one after its last. */
export interface Span {
  start: number;
  end: number;
}

/** A node of Babel's syntax tree. @see https://github.com/babel/babel/blob/main/packages/babel-parser/ast/spec.md */
export interface Node extends Span {
  type: string;
  [field: string]: unknown;
}

/** What is wrong with the syntax of a source. */
export interface SyntaxFault {
  message: Phrase;
  hint?: Phrase;
  span: Span;
}

/** A source that was read. Without a program there is a fault. */
export interface Parsed {
  program?: Node;
  comments?: readonly Node[];
  fault?: SyntaxFault;
}

interface BabelError {
  message: string;
  reasonCode?: string;
  pos?: number;
  loc?: { index: number };
}

/** Reads a source in TypeScript or JavaScript. @param text Without a byte order mark. */
export async function parseSource(text: string, file: string): Promise<Parsed> {
  const { parse } = await import("@babel/parser");
  try {
    const read = parse(text, {
      sourceType: "module",
      errorRecovery: true,
      plugins: /x$/.test(file) ? ["typescript", "jsx"] : ["typescript"],
    });
    const [error] = (read.errors ?? []) as BabelError[];
    return {
      program: read.program as unknown as Node,
      comments: read.comments as unknown as Node[],
      fault: error && faultOf(error, text),
    };
  } catch (error) {
    return { fault: faultOf(error as BabelError, text) };
  }
}

const WORD = /[\w$\u{80}-\u{10ffff}]+|[^]/uy;

/** The word or the character at an index. */
export function wordAt(text: string, index: number): Span {
  WORD.lastIndex = index;
  return { start: index, end: index + (WORD.exec(text)?.[0].length ?? 0) };
}

function faultOf({ reasonCode, message, pos, loc }: BabelError, text: string): SyntaxFault {
  const at = pos ?? loc?.index ?? 0;
  const span = wordAt(text, at);
  const found = text.slice(span.start, span.end);
  const problem = message.replace(/ \(\d+:\d+\)$/, "").replace(/\.$/, "");
  switch (reasonCode) {
    case "UnterminatedString":
      return { message: ({ config }) => config.syntax.quote, span };
    case "UnterminatedTemplate":
      return {
        message: ({ config }) => config.syntax.template,
        span: wordAt(text, Math.max(0, text.lastIndexOf("`", at))),
      };
    case "UnterminatedComment":
      return { message: ({ config }) => config.syntax.comment, span: { start: at, end: at + 2 } };
    case "InvalidOrUnexpectedToken": {
      const hint: Phrase | undefined = /[‘’“”«»]/.test(found)
        ? ({ config }) => config.syntax.straightQuotes
        : undefined;
      const start = /[‘’“”«»]/.test(text[at] ?? "") ? { start: at, end: at + 1 } : span;
      return {
        message: ({ config }) => config.syntax.character(text.slice(start.start, start.end)),
        hint,
        span: start,
      };
    }
    case "NumberIdentifier": {
      const [number = ""] = /[\w.]*$/.exec(text.slice(0, at)) ?? [];
      const whole = { start: at - number.length, end: span.end };
      return { message: ({ config }) => config.syntax.number(text.slice(whole.start, whole.end)), span: whole };
    }
    case "InvalidCoverInitializedName": {
      const equals = text.indexOf("=", at);
      return {
        message: ({ config }) => config.syntax.unexpected("`=`"),
        hint: ({ config }) => config.syntax.useColon,
        span: wordAt(text, equals < 0 ? at : equals),
      };
    }
    case "VarRedeclaration":
      return { message: ({ config }) => config.syntax.twice(found), span };
    case "UnexpectedToken":
      return unexpected(text, span, /expected "(.+)"$/.exec(problem)?.[1]);
    default:
      return { message: ({ config }) => config.syntax.other(problem), span };
  }
}

/** A token that must not stand where it does. @param expected The one that the parser wanted in its place. */
function unexpected(text: string, span: Span, expected: string | undefined): SyntaxFault {
  const found = text.slice(span.start, span.end);
  if (text.slice(span.start).trim() === "") {
    const end = text.trimEnd().length;
    return { message: ({ config }) => config.syntax.endsEarly, span: { start: Math.max(0, end - 1), end } };
  }
  const say = ({ config: { syntax } }: Parameters<Phrase>[0]) => /["'`]/.test(found) ? syntax.text : `\`${found}\``;
  if (expected === "," && /[)\]}]/.test(found)) {
    return { message: (words) => words.config.syntax.notClosed(say(words)), span };
  }
  const message: Phrase = (words) =>
    expected ? words.config.syntax.expected(`\`${expected}\``, say(words)) : words.config.syntax.unexpected(say(words));
  const hint: Phrase | undefined = expected === "," && found === "="
    ? ({ config }) => config.syntax.useColon
    : undefined;
  return { message, hint, span };
}
