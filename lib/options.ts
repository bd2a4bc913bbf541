/** Schemas of objects whose every key is known, and the words for a key that is not. */

import { closest, distance } from "fastest-levenshtein";
import * as z from "zod/mini";

/** A zod object that takes these keys and no others; a key that is not known is named beside those that are. */
export function options<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: unknownKeys(shape) });
}

/** Words of a zod object for keys that it does not know. */
export function unknownKeys(shape: z.core.$ZodLooseShape): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.code !== "unrecognized_keys") return undefined;
    return issue.keys.map((key: string) => unknownName("option", key, Object.keys(shape))).join("; ");
  };
}

/** A zod schema that accepts any function. */
export const fn = z.custom<(event: unknown) => unknown>((value) => typeof value === "function", "expected a function");

/** The known name that may have been meant by this one; `undefined` where none is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const near = known.length > 0 ? closest(name, known) : undefined;
  const away = near === undefined ? Infinity : distance(name, near);
  return away < name.length && away <= Math.max(2, name.length / 3) ? near : undefined;
}

/** Says that a name is not known, which are, and which of them may be meant. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const quoted = known.map((one) => `"${one}"`).join(", ");
  const near = nearest(name, known);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `unknown ${what} "${name}"; ${
    known.length > 0 ? `known ${what}s are ${quoted}` : `there are no ${what}s`
  }${hint}`;
}
