/** Which parts of a config's source may be secrets, and are never shown. Pure functions. */

import { SECRET_NAME } from "../../secret.ts";
import type { Node, Parsed, Span } from "./parse.ts";
import { childrenOf, nameOf } from "./tree.ts";

/** Names of what may be a secret where it is written down as a text: more than where its schema is known. */
const MAYBE_SECRET = new RegExp(`${SECRET_NAME.source}|header|via`, "i");

/** Functions that are given a secret's name, and not the secret. */
const READERS = ["env", "file", "credential"];

/** A long text of letters and digits without blanks, or one that begins as the keys of well-known services do. */
const LOOKS_SECRET = /^(?=\S*\d)(?=\S*[A-Za-z])\S{20,}$|^(whsec_|whs_|cvn_|xox|re_|SG\.|Bearer |Basic )/;

/** A URL that holds more than the name of a host. */
const URL_WITH_MORE = /:\/\/([^/?#]*@|[^/?#]*[/?#]\S)/;

/** What of a source is not shown, in the order in which it stands there. */
export function hiddenIn(text: string, { program, comments = [] }: Parsed): Span[] {
  const spans = program
    ? [...hidden(program, false), ...comments.filter(({ value }) => isTelling(String(value)))]
    : hiddenInBroken(text);
  return spans.sort((one, other) => one.start - other.start);
}

/** Whether a comment may hold a secret. */
function isTelling(comment: string): boolean {
  return MAYBE_SECRET.test(comment) || comment.split(/\s+/).some(isSuspicious);
}

function* hidden(node: Node, isSecret: boolean): Generator<Span> {
  if (/^(Import|Export(Named|All))/.test(node.type) && !node.declaration) return;
  if (node.type === "Identifier") {
    if (isSecret && /\d/.test(String(node.name)) && String(node.name).length >= 8) yield node; // its quotes were forgotten
    return;
  }
  if (isLiteral(node)) {
    const text = String(node.value);
    if (isSecret || isSuspicious(text)) {
      yield* hiddenOf(node, (node.extra as { raw?: string } | undefined)?.raw ?? text);
    }
    return;
  }
  if (node.type === "TemplateElement") {
    const { raw } = node.value as { raw: string };
    if (raw !== "" && (isSecret || isSuspicious(raw))) yield* hiddenOf(node, raw);
    return;
  }
  if (node.type === "CallExpression" && READERS.includes(nameOf(node.callee as Node) ?? "")) return;
  const name = givenName(node);
  const isNamed = name !== undefined && MAYBE_SECRET.test(name);
  for (const child of childrenOf(node)) {
    if (child === node.key && node.type === "ObjectProperty") continue;
    yield* hidden(child, isSecret || isNamed);
  }
}

/** The name that what stands in a node is given to: of a property, a variable, or what is assigned to. */
function givenName({ type, key, left, id }: Node): string | undefined {
  if (type === "ObjectProperty" || type === "ClassProperty") return nameOf(key as Node);
  if (type !== "AssignmentExpression" && type !== "AssignmentPattern") return nameOf(id as Node | undefined);
  const to = left as Node;
  return nameOf(to.type === "MemberExpression" ? to.property as Node : to);
}

/**
 * The host of a URL, which is shown; a quote may stand before it. In URLs that take a password, and where there is an `@`,
 * what looks like a host may be a part of the password.
 */
const HOST = /^["'`]?(?!postgres|smtp)[a-z]+:\/\/[\w.-]+(:\d{1,5})?(?=["'`]?$|\/)\/?(?!.*@)/s;

/** @param raw The text of a node as it is written. */
function hiddenOf(node: Span, raw: string): Span[] {
  const host = HOST.exec(raw)?.[0].length;
  if (host === undefined) return [node];
  const end = node.end - (/["'`]$/.test(raw) ? 1 : 0);
  return node.start + host < end ? [{ start: node.start + host, end }] : [];
}

function isLiteral({ type }: Node): boolean {
  return type === "StringLiteral" || type === "NumericLiteral" || type === "BigIntLiteral";
}

function isSuspicious(text: string): boolean {
  return LOOKS_SECRET.test(text) || URL_WITH_MORE.test(text);
}

/** Options whose values are no secret. */
const HARMLESS_NAME =
  /^(on|to|from|path|host|port|method|command|subject|text|html|fallback|name|domain|region|header|prefix|algorithm|encoding|timeout|drain|per|pause|schedule|retry|maxBody|delivered|dead|silent|for|within|locale|timeZone|zone|every|except)$/;

/** What stands under the name of a secret and is no text in quotes, no call, list or object: up to a comma, or the line's end. */
const AFTER_NAME = `(?<=(?:${MAYBE_SECRET.source})[\\w$-]*["']?[ \\t]*:[ \\t]*)`;
const BARE = new RegExp(`${AFTER_NAME}(?![ \\t]|["'\`[{]|\\w+\\()[^,\\n\\r]+`, "gi");

/** A text in quotes that goes on after them, as one does that has a quote in it. */
const MISQUOTED = new RegExp(
  `${AFTER_NAME}(["'\`])(?:\\\\.|(?!\\1)[^\\\\\\n\\r])*\\1(?![ \\t]*([,)}\\]]|[\\n\\r]|$))[^\\n\\r]*`,
  "gi",
);

/** Comments; what stands after the `:` of a URL is none. */
const COMMENT = /(?<!:)\/\/[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** The texts of a source that cannot be read, but for those of harmless options; bare values of secrets; comments. */
function hiddenInBroken(text: string): Span[] {
  const whole = [BARE, MISQUOTED, COMMENT].flatMap((pattern) => [...text.matchAll(pattern)])
    .map(({ 0: { length }, index }) => ({ start: index, end: index + length }));
  return [
    ...whole,
    ...quotedInBroken(text).filter((one) => !whole.some(({ start, end }) => start <= one.start && one.start < end)),
  ];
}

function quotedInBroken(text: string): Span[] {
  return [...text.matchAll(/(["'`])((?:\\.|(?!\1)[^\\\n\r])*)(\1|(?=[\n\r]|$))/g)].flatMap((match) => {
    const start = match.index + 1;
    const before = text.slice(Math.max(0, match.index - 2_000), match.index);
    const isRead = /\b(env|file|credential)\(\s*$|\b(from|import)\s*$/.test(before);
    const key = [...before.matchAll(/([\w$-]+)["']?\s*[:=]/g)].at(-1)?.[1] ?? "";
    const isKey = /[{,]\s*$/.test(before) &&
      /^\s*:/.test(text.slice(match.index + match[0].length, match.index + match[0].length + 20));
    const isHarmless = isKey || (HARMLESS_NAME.test(key) && !isSuspicious(match[2]!));
    return isRead || isHarmless ? [] : [{ start, end: start + match[2]!.length }];
  });
}
