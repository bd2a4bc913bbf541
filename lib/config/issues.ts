/** Turns what zod found into mistakes that a person can fix. */

import type * as z from "zod/mini";
import { type ConfigIssue, describe } from "../errors.ts";
import { isPart } from "../part.ts";

type Path = readonly PropertyKey[];

/** Options whose values are never shown: they are secrets, or hold some. */
const SECRET_NAMES = /secret|store|url|sign|token|key|headers|env/i;

/** Options that are a secret as a text, while what they hold as an object has names of its own. */
const SECRET_TEXTS = /via/i;

/** What zod says where a schema has no words of its own: "Invalid input", or more once its English is loaded. */
const ZODS_WORDS = /^(Invalid|Too small|Too big)\b/;

/** A path as the config's author would write it: `routes[1].to`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = String(part);
    if (!/^[\w$]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text ? `${text}.${name}` : name;
  }, "");
}

/** Every mistake that zod found in a value that lies at `base` in the config; none of `secrets` is shown. */
export function issuesOf(
  error: z.core.$ZodError,
  value: unknown,
  base: Path = [],
  secrets: readonly string[] = [],
): ConfigIssue[] {
  return error.issues.flatMap((issue) => flatten(issue, value, base, secrets));
}

function flatten(issue: z.core.$ZodIssue, root: unknown, base: Path, secrets: readonly string[]): ConfigIssue[] {
  const value = valueAt(root, issue.path);
  if (issue.code === "invalid_union") {
    const meant = issue.errors.find((errors) => errors.length > 0 && errors.every((one) => !isOtherKind(one)));
    if (meant) return meant.flatMap((one) => flatten(one, value, [...base, ...issue.path], secrets));
  }
  const path = [...base, ...issue.path];
  const at = formatPath(path);
  if (issue.code === "unrecognized_keys") return [{ path: at, message: issue.message }];
  if (value === undefined) return [{ path: at, message: `is missing; ${expectation(issue)}` }];
  return [{ path: at, message: `${expectation(issue)}, got ${show(value, path, secrets)}` }];
}

/** Whether a member of a union was not meant at all: the value as a whole is of another kind. */
function isOtherKind(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `expected ${words[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_union" && ZODS_WORDS.test(issue.message)) {
    const expected = issue.errors.flat().map((one) => expectation(one).replace(/^expected /, ""));
    return `expected ${[...new Set(expected)].join(", or ")}`;
  }
  if (issue.code === "invalid_value" && ZODS_WORDS.test(issue.message)) {
    return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
  }
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.code === "too_small" && ZODS_WORDS.test(issue.message)) {
    return `expected ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
  }
  if (issue.code === "too_big" && ZODS_WORDS.test(issue.message)) return `expected at most ${issue.maximum}`;
  return issue.message;
}

const words: Partial<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** What lies at a path as the config's author wrote it: the options of a part belong to the part itself. */
function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, name) => {
    const own = isPart(value) ? value.options : value;
    return (own as Record<PropertyKey, unknown> | undefined)?.[name];
  }, root);
}

function show(value: unknown, path: Path, secrets: readonly string[]): string {
  const isSecret = path.some((part) => SECRET_NAMES.test(String(part))) || SECRET_TEXTS.test(String(path.at(-1))) ||
    secrets.some((one) => one === value);
  if (Array.isArray(value) && value.length === 0) return "an empty list";
  if (isSecret) return value === "" ? "an empty text" : "another value";
  if (typeof value === "function") return "a function";
  if (typeof value === "object") return describe(value);
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
