/** Schemas of objects whose every key is known, and what schemas say of a value that is not as it should be. */

import * as z from "zod/mini";
import type { Language } from "./locale/mod.ts";
import { inEnglish, type Phrase } from "./locale/phrase.ts";
import { meantKind } from "./near_miss.ts";
import { quoted } from "./nearest.ts";

/** What is expected, as it stands after "expected"; `value` is what was found in its place. */
export type Expectation = (words: Language, value: unknown) => string;

/** How a value was probably meant, as a config would write it: `"15s"` for `"15 s"`; `undefined` if that is not clear. */
export type Meant = (value: unknown) => string | undefined;

/** What a schema says of a value that it refuses: what is expected, or a sentence of its own. */
export interface Complaint {
  what?: Expectation;
  meant?: Meant;
  sentence?: Phrase;
  /** The keys that an object takes, where it has another one. */
  known?: readonly string[];
}

/** Zod's messages are strings. So each complaint is found again by its English text, of which schemas have few. */
const complaints = new Map<string, Complaint>();

function remember(text: string, complaint: Complaint): string {
  complaints.set(text, complaint);
  return text;
}

/** The complaint that a message of zod stands for; `undefined` if it is zod's own. */
export function complaintOf(message: string): Complaint | undefined {
  return complaints.get(message);
}

/** A message of a schema: what it expects. */
export function expected(what: Expectation, meant?: Meant): string {
  return remember(inEnglish((words) => words.config.expected(what(words, undefined))), { what, meant });
}

/** A message of a schema that says all there is to say. */
export function says(sentence: Phrase): string {
  return remember(inEnglish(sentence), { sentence });
}

/** A zod object that takes these keys and no others. @param what What is expected in place of what is no object. */
export function options<Shape extends z.core.$ZodLooseShape>(shape: Shape, what?: Expectation) {
  const unknown = unknownKeys(shape);
  const wanted = what && expected(what);
  return z.strictObject(shape, { error: (issue) => unknown(issue) ?? wanted });
}

/** The message of a zod object for keys that it does not know. */
export function unknownKeys(shape: z.core.$ZodLooseShape): (issue: z.core.$ZodRawIssue) => string | undefined {
  const known = Object.keys(shape);
  const message = remember(inEnglish((words) => words.config.known.option(quoted(known))), { known });
  return ({ code }) => code === "unrecognized_keys" ? message : undefined;
}

const onlyText: Meant = (value) => meantKind(value, "string");

/** A zod schema of texts. @param isSo Whether a text is as `what` says. */
export function text(what: Expectation, isSo: RegExp | ((text: string) => boolean), meant: Meant = onlyText) {
  const error = expected(what, meant);
  return z.string(error).check(z.refine(isSo instanceof RegExp ? (text) => isSo.test(text) : isSo, error));
}

/** A zod schema of paths of the public listener, such as `/webhook`. */
export const pathText = text((words) => words.config.expectations.path, /^\/[\w\-.~/]*$/, meantPath);

/** A path without its slash, or within a URL. */
function meantPath(value: unknown): string | undefined {
  const path = typeof value === "string" ? value.replace(/^https?:\/\/[^/]*/, "").replace(/^\/*/, "/") : "";
  return /^\/[\w\-.~/]+$/.test(path) ? JSON.stringify(path) : undefined;
}

/** A zod schema that accepts any function. */
export const fn = z.custom<(event: unknown) => unknown>(
  (value) => typeof value === "function",
  expected((words) => words.config.expectations.callback),
);
