/** `relay resume` */

import type { Command } from "commander";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { checkTarget, type OpenStore, withWritableStore } from "./store.ts";
import { count } from "./terminal.ts";

interface Options extends ConfigOptions {
  json?: boolean;
}

export function resumeVerb(): Command {
  return verb("resume", "release the deliveries that `relay pause` holds", "config", "json")
    .argument("<target>", "name of the target")
    .action((target: string, options: Options) => withWritableStore(options, (open) => resume(open, target, options)));
}

async function resume(open: OpenStore, target: string, { json }: Options): Promise<void> {
  await checkTarget(open, target, "resume");
  const { store } = open;
  const changed = await store.resume(target);
  const waiting = await store.upkeep.backlog([target]);
  if (json) return printJson({ target, paused: false, changed, waiting });
  if (!changed) return print(`${target} was not paused`);
  print(`${target} is resumed: ${count(waiting, "delivery goes", "deliveries go")} out`);
}
