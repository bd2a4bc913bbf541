/** What a config's alerts may be about. */

import * as z from "zod/mini";
import { expected, options, text } from "../options.ts";
import { duration } from "../units.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Highest number of dead letters that an alert may ask for: they are counted at each look. */
const MAX_DEAD = 1000;

/** What an alert may be about, and the span of time that it then needs. */
const forms: readonly { name: string; span?: string; example?: string }[] = [
  { name: "dead" },
  { name: "silent", span: "for", example: "6h" },
  { name: "refused", span: "within", example: "10m" },
];

const form = expected((words) => words.config.expectations.when);

/** A span of time of so many milliseconds. */
const spanOf = (isSo: (ms: number) => boolean, message: string) => z.optional(duration.check(z.refine(isSo, message)));

/** Reads an alert's `when`. */
export const condition = options({
  dead: z.optional(z.int().check(z.positive(), z.maximum(MAX_DEAD))),
  silent: z.optional(text((words) => words.config.expectations.pattern, /[^]/)),
  for: spanOf((ms) => ms > 0 && ms <= 30 * DAY_MS, expected((words) => words.config.expectations.silentFor)),
  refused: z.optional(z.int().check(z.positive())),
  within: spanOf(
    (ms) => ms >= MINUTE_MS && ms <= DAY_MS,
    expected((words) => words.config.expectations.refusedWithin),
  ),
}, (words) => words.config.expectations.when).check(z.superRefine((when, context) => {
  if (context.issues.length > 0) return; // a misspelt option says it better
  const given = Object.entries(when).filter(([, value]) => value !== undefined).map(([name]) => name);
  const meant = forms.find(({ name }) => given.includes(name));
  if (!meant || given.some((name) => name !== meant.name && name !== meant.span)) {
    context.addIssue({ code: "custom", message: form });
  } else if (meant.span !== undefined && !given.includes(meant.span)) {
    const message = expected((words) => words.config.expectations.span(meant.example!));
    context.addIssue({ code: "custom", path: [meant.span], message });
  }
}));
