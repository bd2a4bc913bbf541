/**
 * Makes attempts in a process of its own: the arguments are the kind of target, the config's folder, and a list of options
 * in JSON. Prints the outcomes.
 */

import process from "node:process";
import { attempt } from "./attempt.ts";
import { partOf } from "../../lib/part.ts";
import * as targets from "../../lib/targets/mod.ts";
import type { TargetDefinition, TargetKind } from "../../lib/targets/target.ts";
import { makeDelivery, makeTarget, never } from "./target.ts";

const [name, folder, all] = process.argv.slice(2);
const define = targets[name as keyof typeof targets] as (options: object) => TargetDefinition;
const { kind } = partOf<TargetKind<unknown>>("target", define({}))!;
const outcomes = [];
for (const options of JSON.parse(all!)) {
  const target = makeTarget(kind, options, { folder });
  outcomes.push(await attempt(target, makeDelivery, never));
  target.close?.();
}
process.stdout.write(JSON.stringify(outcomes));
