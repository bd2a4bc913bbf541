/**
 * Stands in the place of `node:test` to hear why tests are skipped, which no runner tells: it runs no test, and writes the
 * name and the reason of each that says why it is skipped, as one line of JSON.
 */

import process from "node:process";

interface Options {
  skip?: unknown;
}

/** Takes what `test()` of `node:test` takes. */
export function test(name: string, ...rest: unknown[]): void {
  const options = rest.find((one): one is Options => typeof one === "object" && one !== null);
  if (typeof options?.skip === "string") process.stdout.write(`${JSON.stringify([name, options.skip])}\n`);
}

export default test;
