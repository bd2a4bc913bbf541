/** Tests that are skipped, and why. In CI, one that is not named here fails the run. */

/** Tests that may be skipped in CI, by name, and why. */
export const allowed: Readonly<Record<string, string>> = {};

/** A test that did not run. */
export interface Skip {
  name: string;
  /** Where it was to run. */
  suite: string;
  /** What the test says, or {@link allowed}. */
  reason: string;
}

/** What is told of skips at the end, a line each. */
export function toldOf(skips: readonly Skip[]): string {
  return skips.map(({ suite, name, reason }) => `skipped: ${name} (${suite}): ${reason}\n`).join("");
}

/** The skips for which CI fails. */
export function refused(skips: readonly Skip[], names: Readonly<Record<string, string>> = allowed): Skip[] {
  return skips.filter(({ name }) => !Object.hasOwn(names, name));
}
