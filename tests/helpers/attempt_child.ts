/**
 * Makes attempts in a process of its own: the arguments are the kind of target, the config's folder, and a list of options
 * in JSON. Prints the outcomes.
 */

import process from "node:process";
import { attempt } from "../../lib/pipeline/attempt.ts";
import { targetKinds } from "../../lib/targets/mod.ts";
import type { TargetKind } from "../../lib/targets/target.ts";
import { makeDelivery, makeTarget, never } from "./target.ts";

const [name, folder, all] = process.argv.slice(2);
const kind = targetKinds.find(({ kind }) => kind === name) as TargetKind<unknown>;
const outcomes = [];
for (const options of JSON.parse(all!)) {
  const target = makeTarget(kind, options, { folder });
  outcomes.push(await attempt(target, makeDelivery, never));
  target.close?.();
}
process.stdout.write(JSON.stringify(outcomes));
