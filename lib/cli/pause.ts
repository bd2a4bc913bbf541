/** `relay pause` */

import type { Command } from "commander";
import { count } from "./terminal.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { checkTarget, type OpenStore, withWritableStore } from "./store.ts";

interface Options extends ConfigOptions {
  json?: boolean;
}

export function pauseVerb(): Command {
  return verb(
    "pause",
    "hold a target's deliveries until `relay resume`; events for it come in and wait",
    "config",
    "json",
  )
    .argument("<target>", "name of the target")
    .addHelpText("after", "\nAttempts in flight are not cut off. A restart does not end a pause.")
    .action((target: string, options: Options) => withWritableStore(options, (open) => pause(open, target, options)));
}

async function pause(open: OpenStore, target: string, { json }: Options): Promise<void> {
  await checkTarget(open, target, "pause");
  const { store } = open;
  const changed = await store.pause(target, store.time.now());
  const waiting = await store.upkeep.backlog([target]);
  if (json) return printJson({ target, paused: true, changed, waiting });
  const word = changed ? "is paused" : "was paused already";
  print(`${target} ${word}: ${count(waiting, "delivery waits", "deliveries wait")} until \`relay resume ${target}\``);
}
