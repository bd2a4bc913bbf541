/**
 * Stands in the place of `node:test` to hear why tests are skipped, which no runner tells: it runs no test, and writes the
 * name and the reason of each that says why it is skipped, as JSON in a line that begins with {@link MARK}.
 */

import process from "node:process";

/** How a line begins that tells a reason. */
export const MARK = "skipped because: ";

interface Options {
  skip?: unknown;
}

/** Takes what `test()` of `node:test` takes. */
export function test(name: string, ...rest: unknown[]): void {
  const options = rest.find((one): one is Options => typeof one === "object" && one !== null);
  if (typeof options?.skip === "string") process.stdout.write(`${MARK}${JSON.stringify([name, options.skip])}\n`);
}

export default test;
