/** A fixed amount of work; prints how many milliseconds it took. */

import process from "node:process";

function work(steps: number): number {
  let x = 1;
  for (let step = 0; step < steps; step++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) ^ (x >>> 7);
  return x;
}

work(1e7);
const startedAt = performance.now();
const end = work(2e8);
process.stdout.write(`${(performance.now() - startedAt).toFixed(1)}${end === 0 ? " " : ""}\n`);
