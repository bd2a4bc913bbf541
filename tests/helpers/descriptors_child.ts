/** Runs `/bin/cat` in a process of its own that has 0, 1, 2 … 9 descriptors left, and prints the outcomes in JSON. */

import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { scriptTarget } from "../../lib/targets/script.ts";
import { attempt } from "./attempt.ts";
import { makeDelivery, makeTarget, never } from "./target.ts";

const target = makeTarget(scriptTarget, { command: ["/bin/cat"] }, { folder: "/" });
await attempt(target, makeDelivery, never); // what is opened once is open now

const open: number[] = [];
try {
  for (;;) open.push(openSync("/dev/null", "r"));
} catch {
  // none is left
}
const outcomes = [];
for (let left = 0; left < 10; left++) {
  outcomes.push(await attempt(target, makeDelivery, never));
  closeSync(open.pop()!);
}
process.stdout.write(JSON.stringify(outcomes));
