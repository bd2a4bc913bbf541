/** What is said of a name that is not known. */

import { closest, distance } from "fastest-levenshtein";
import type { Language } from "./locale/mod.ts";
import type { Phrase } from "./locale/phrase.ts";

/** The known name that may have been meant by this one; `undefined` where none is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const near = known.length > 0 ? closest(name, known) : undefined;
  const away = near === undefined ? Infinity : distance(name, near);
  return away < name.length && away <= Math.max(2, name.length / 3) ? near : undefined;
}

/** Says that a name is not known, which names are, and which of them may have been meant. */
export function sayUnknown(
  what: keyof Language["config"]["unknown"],
  name: string,
  known: readonly string[],
  isListed = true,
): Phrase {
  const near = nearest(name, known);
  return ({ config: words }) => {
    const list = isListed ? `; ${words.known[what](quoted(known))}` : "";
    const problem = words.unknown[what](name) + list;
    return near === undefined ? problem : words.didYouMean(problem, `"${near}"`);
  };
}

/** `"a", "b"` */
export function quoted(names: readonly string[]): string {
  return names.map((one) => `"${one}"`).join(", ");
}
