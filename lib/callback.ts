/** Calls functions that the config holds. They are not trusted to return, nor to return at once. */

import { sayError } from "./errors.ts";
import type { Phrase } from "./locale/phrase.ts";

/** What a function returned, or what is wrong with it: it goes on after the name of the function. */
export type Called = { value: unknown } | { problem: Phrase };

/** Calls a function of the config. Never throws, and leaves no rejection behind. */
export function callFunction(fn: (event: unknown) => unknown, payload: unknown): Called {
  try {
    const value = fn(payload);
    if (!(value instanceof Promise)) return { value };
    value.catch(() => {});
    return { problem: (words) => words.outcomes.callback.promise };
  } catch (error) {
    const problem = sayError(error);
    return { problem: (words) => words.outcomes.callback.threw(problem(words)) };
  }
}
