/** Calls functions that the config holds. They are not trusted to return, nor to return at once. */

import { messageOf } from "./errors.ts";

/** What a function gave, or in words what is wrong with it. */
export type Called = { value: unknown } | { problem: string };

/** Calls a function of the config. Never throws, and leaves no rejection behind. */
export function callFunction(fn: (event: unknown) => unknown, payload: unknown): Called {
  try {
    const value = fn(payload);
    if (!(value instanceof Promise)) return { value };
    value.catch(() => {});
    return { problem: "gives a promise; it must give the value itself" };
  } catch (error) {
    return { problem: `threw: ${messageOf(error)}` };
  }
}
