/** Schemas of objects whose every key is known, and the words for a key that is not. */

import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";

/** A zod object that takes these keys and no others; a key that is not known is named beside those that are. */
export function options<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownName("option", key, Object.keys(shape))).join("; ")
        : undefined,
  });
}

/** A zod schema that accepts any function. */
export const fn = z.custom<(event: unknown) => unknown>((value) => typeof value === "function", "expected a function");

/** Says that a name is not known, which are, and which of them may be meant. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const quoted = known.map((one) => `"${one}"`).join(", ");
  const near = known.length > 0 ? closest(name, known) : undefined;
  const away = near === undefined ? Infinity : distance(name, near);
  const hint = away < name.length && away <= Math.max(2, name.length / 3) ? `; did you mean "${near}"?` : "";
  return `unknown ${what} "${name}"; ${
    known.length > 0 ? `known ${what}s are ${quoted}` : `there are no ${what}s`
  }${hint}`;
}
