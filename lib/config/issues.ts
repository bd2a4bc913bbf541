/** Turns what zod found into mistakes that a person can fix. */

import type * as z from "zod/mini";
import type { ConfigIssue } from "../errors.ts";
import { type Language, type Locale, localeFor, localeNames } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { meantKind } from "../near_miss.ts";
import { nearest, sayUnknown } from "../nearest.ts";
import { type Complaint, complaintOf, type Expectation, type Meant } from "../options.ts";
import { isPart } from "../part.ts";
import { SECRET_NAME } from "../secret.ts";
import { formatPath, type Path } from "./path.ts";

/** Options that are a secret as a text, while what they hold as an object has names of its own. */
const SECRET_TEXTS = /via/i;

/** Options that hold a URL. */
const URL_NAME = /url$|^via$|^store$/i;

/** What zod says where a schema has no words of its own: "Invalid input", or more once its English is loaded. */
const ZODS_WORDS = /^(Invalid|Too small|Too big)\b/;

/** Every mistake that zod found in a value that lies at `base` in the config; none of `secrets` is shown. */
export function issuesOf(
  error: z.core.$ZodError,
  value: unknown,
  base: Path = [],
  secrets: readonly string[] = [],
): ConfigIssue[] {
  // A misspelt option is one mistake, though the right one is missing as well.
  const misspelt = new Set(error.issues.flatMap((issue) => issue.code === "unrecognized_keys" ? meantBy(issue) : []));
  return error.issues
    .filter(({ path }) => !misspelt.has(formatPath(path)) || valueAt(value, path) !== undefined)
    .flatMap((issue) => flatten(issue, value, base, secrets));
}

/** The paths of the options that were probably meant by those that are not known. */
function meantBy({ keys, message, path }: z.core.$ZodIssueUnrecognizedKeys): string[] {
  const { known = [] } = complaintOf(message) ?? {};
  return keys.flatMap((key) => nearest(key, known) ?? []).map((name) => formatPath([...path, name]));
}

function flatten(issue: z.core.$ZodIssue, root: unknown, base: Path, secrets: readonly string[]): ConfigIssue[] {
  const value = valueAt(root, issue.path);
  if (issue.code === "invalid_union") {
    const meant = issue.errors.find((errors) => errors.length > 0 && errors.every((one) => !isOtherKind(one)));
    if (meant) return meant.flatMap((one) => flatten(one, value, [...base, ...issue.path], secrets));
  }
  const path = [...base, ...issue.path];
  if (issue.code === "unrecognized_keys") return unknownKeys(issue, path);
  const at = { path, marksKey: issue.code === "invalid_key" };
  const isHidden = !at.marksKey && isSecret(value, path, secrets);
  const found = at.marksKey ? path.at(-1) : value;
  return [{
    path: formatPath(path),
    message: phraseOf(complaintIn(issue), found, { isHidden, isUrl: URL_NAME.test(String(path.at(-1))) }),
    at,
  }];
}

/** A mistake for each key; the first one says which are known. */
function unknownKeys({ keys, message }: z.core.$ZodIssueUnrecognizedKeys, path: Path): ConfigIssue[] {
  const { known = [] } = complaintOf(message) ?? {};
  return keys.map((key, index) => ({
    path: formatPath(path),
    message: sayUnknown("option", key, known, index === 0),
    at: { path: [...path, key], marksKey: true },
  }));
}

/** @param isUrl Of a URL its scheme is no secret. */
function phraseOf(
  { sentence, what, meant }: Complaint,
  value: unknown,
  { isHidden, isUrl }: { isHidden: boolean; isUrl: boolean },
): Phrase {
  if (sentence) return sentence;
  return (words) => {
    const { config } = words;
    const expectation = what!(words, isHidden ? undefined : value);
    if (value === undefined) return config.missing(expectation);
    const found = isHidden && typeof value === "string" && value !== ""
      ? showHidden(value, words, isUrl)
      : show(value, words, isHidden);
    const problem = config.got(config.expected(expectation), found);
    const better = isHidden ? undefined : meant?.(value);
    return better === undefined || better === found || expectation === better
      ? problem
      : config.didYouMean(problem, better);
  };
}

/** Whether a member of a union was not meant at all: the value as a whole is of another kind. */
function isOtherKind(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

/** What to say of a value: what its schema says, else what follows from zod's finding. */
function complaintIn(issue: z.core.$ZodIssue): Complaint {
  const isZods = issue.code === "invalid_type" || ZODS_WORDS.test(issue.message);
  return complaintOf(issue.message) ?? (isZods ? ofCode(issue) : undefined) ?? plainComplaint(issue.message);
}

/** What a schema says in English alone, such as that of the API. */
function plainComplaint(message: string): Complaint {
  const [, what] = /^expected (.+)$/s.exec(message) ?? [];
  return what === undefined ? { sentence: () => message } : { what: () => what };
}

function ofCode(issue: z.core.$ZodIssue): Complaint | undefined {
  switch (issue.code) {
    case "invalid_type":
      return { what: kindOf(issue.expected), meant: (value) => meantKind(value, issue.expected) };
    case "invalid_union": {
      const complaints = issue.errors.flat().map(complaintIn);
      return { what: anyOf(complaints), meant: firstOf(complaints.flatMap(({ meant }) => meant ?? [])) };
    }
    case "invalid_value": {
      const values = issue.values.map((one) => JSON.stringify(one));
      return { what: ({ forms }) => forms.or(values), meant: (value) => meantValue(value, issue.values.map(String)) };
    }
    case "invalid_key":
      return issue.issues[0] && complaintIn(issue.issues[0]);
    case "too_small": {
      const limit = Number(issue.minimum);
      return {
        what: ({ config: { expectations } }) =>
          issue.inclusive ? expectations.atLeast(limit) : expectations.moreThan(limit),
      };
    }
    case "too_big":
      return { what: ({ config: { expectations } }) => expectations.atMost(Number(issue.maximum)) };
    default:
      return undefined;
  }
}

/** Either of what several expect; what is said twice stands once. */
function anyOf(complaints: readonly Complaint[]): Expectation {
  return (words, value) => words.forms.or([...new Set(complaints.flatMap(({ what }) => what?.(words, value) ?? []))]);
}

function firstOf(all: readonly Meant[]): Meant {
  return (value) => all.map((meant) => meant(value)).find((one) => one !== undefined);
}

/** The one of several texts that may have been meant, in other case, or, of languages, without its country. */
function meantValue(value: unknown, known: readonly string[]): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const inCase = known.find((one) => one.toLowerCase() === value.toLowerCase());
  const family = known.includes(localeNames[0]!) && /^[a-z]{2}\b/i.test(value) ? familyOf(value) : undefined;
  const near = inCase ?? family ?? nearest(value, known);
  return near && JSON.stringify(near);
}

function familyOf(tag: string): Locale | undefined {
  const locale = localeFor(tag);
  return locale.slice(0, 2) === tag.slice(0, 2).toLowerCase() ? locale : undefined;
}

const kinds: Partial<Record<string, keyof Language["config"]["kinds"]>> = {
  string: "text",
  number: "number",
  int: "wholeNumber",
  boolean: "boolean",
  array: "list",
  object: "object",
  record: "object",
};

function kindOf(name: string): Expectation {
  const kind = kinds[name];
  return ({ config }) => kind ? config.kinds[kind] : name;
}

/** What lies at a path as the config's author wrote it: the options of a part belong to the part itself. */
function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, name) => {
    const own = isPart(value) ? value.options : value;
    return (own as Record<PropertyKey, unknown> | undefined)?.[name];
  }, root);
}

function isSecret(value: unknown, path: Path, secrets: readonly string[]): boolean {
  return path.some((part) => SECRET_NAME.test(String(part))) || SECRET_TEXTS.test(String(path.at(-1))) ||
    secrets.some((one) => one === value);
}

function showHidden(text: string, { config: { found } }: Language, isUrl: boolean): string {
  const [scheme] = /^[a-z][a-z0-9+.-]{0,15}:\/\//i.exec(text) ?? [];
  if (!isUrl) return found.secret;
  return scheme === undefined ? found.noScheme : found.scheme(scheme);
}

/** @param isHidden Of a value that may be secret, only the kind is shown. */
function show(value: unknown, { config: { found, kinds } }: Language, isHidden: boolean): string {
  if (value === "") return found.emptyText;
  if (Array.isArray(value)) return value.length === 0 ? found.emptyList : found.list;
  if (typeof value === "function") return found.callback;
  if (typeof value === "object" && value !== null) return found.object;
  if (isHidden && typeof value === "number") return kinds.number;
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
