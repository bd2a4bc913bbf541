/** `relay pause` */

import type { Command } from "commander";
import { words } from "./language.ts";
import { type ConfigOptions, printJson, say, verb } from "./shared.ts";
import { checkTarget, type OpenStore, withWritableStore } from "./store.ts";

interface Options extends ConfigOptions {
  json?: boolean;
}

export function pauseVerb(): Command {
  return verb("pause", words.operate.pause.description, "config", "json")
    .argument("<target>", words.operate.target)
    .addHelpText("after", words.operate.pause.help)
    .action((target: string, options: Options) => withWritableStore(options, (open) => pause(open, target, options)));
}

async function pause(open: OpenStore, target: string, { json }: Options): Promise<void> {
  await checkTarget(open, target, "pause");
  const { store } = open;
  const changed = await store.pause(target, store.time.now());
  const waiting = await store.upkeep.backlog([target]);
  if (json) return printJson({ target, paused: true, changed, waiting });
  const { done, already } = words.operate.pause;
  say(changed ? done(target, waiting) : already(target, waiting));
}
