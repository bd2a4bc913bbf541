/** `relay resume` */

import type { Command } from "commander";
import { words } from "./language.ts";
import { type ConfigOptions, printJson, say, verb } from "./shared.ts";
import { checkTarget, type OpenStore, withWritableStore } from "./store.ts";

interface Options extends ConfigOptions {
  json?: boolean;
}

export function resumeVerb(): Command {
  return verb("resume", words.operate.resume.description, "config", "json")
    .argument("<target>", words.operate.target)
    .action((target: string, options: Options) => withWritableStore(options, (open) => resume(open, target, options)));
}

async function resume(open: OpenStore, target: string, { json }: Options): Promise<void> {
  await checkTarget(open, target, "resume");
  const { store } = open;
  const changed = await store.resume(target);
  const waiting = await store.upkeep.backlog([target]);
  if (json) return printJson({ target, paused: false, changed, waiting });
  const { done, notPaused } = words.operate.resume;
  say(changed ? done(target, waiting) : notPaused(target));
}
