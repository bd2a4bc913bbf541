/** A source file of a config: its text, and what of it may be shown. */

import { readFileSync } from "node:fs";
import type { ConfigIssue, Place } from "../../errors.ts";
import type { Redact } from "../../secret.ts";
import { parsePath } from "../path.ts";
import { placeOf } from "./excerpt.ts";
import { hiddenIn } from "./mask.ts";
import { type Parsed, parseSource, type Span } from "./parse.ts";
import { spanOf } from "./tree.ts";

/** A source that was read. */
export interface Source extends Parsed {
  file: string;
  /** Without a byte order mark. */
  text: string;
  /** Where a part of it stands. */
  place(span: Span): Place;
  /** Whether any of a part may be a secret. */
  hides(span: Span): boolean;
}

/** @param redact Masks secrets that are known, wherever they stand. */
export async function sourceOf(file: string, text: string, redact: Redact): Promise<Source> {
  const parsed = await parseSource(text, file);
  const hidden = hiddenIn(text, parsed);
  return {
    ...parsed,
    file,
    text,
    place: (span) => placeOf(file, text, span, hidden, redact),
    hides: ({ start, end }) => hidden.some((one) => one.start < end && start < one.end),
  };
}

/** Reads another file that a config imports; `undefined` if that is not to be had. */
export async function otherSource(file: string, redact: Redact): Promise<Source | undefined> {
  try {
    return await sourceOf(file, readFileSync(file, "utf8").replace(/^\ufeff/, ""), redact);
  } catch {
    return undefined;
  }
}

/** Mistakes with the places where they are written, in the order of the file; those without a place come first. */
export async function withPlaces(
  file: string,
  text: string,
  issues: readonly ConfigIssue[],
  redact: Redact,
): Promise<ConfigIssue[]> {
  const source = await sourceOf(file, text, redact);
  const placed = issues.map((issue) => {
    const { path, marksKey } = issue.at ?? { path: parsePath(issue.path) };
    const span = source.program && spanOf(source.program, path, marksKey);
    const place = issue.place ?? (span && source.place(span));
    return { ...issue, message: redacted(issue.message, redact), ...(place && { place }) };
  });
  const lineOf = ({ place }: ConfigIssue) => place?.line ?? 0;
  return placed.sort((one, other) => lineOf(one) - lineOf(other));
}

/** A phrase whose secrets are masked in every language. */
export function redacted(message: ConfigIssue["message"], redact: Redact): ConfigIssue["message"] {
  return (words) => redact(message(words));
}
