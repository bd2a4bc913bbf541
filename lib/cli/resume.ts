/** `relay resume` */

import type { Command } from "commander";
import { resume as resumeLanes } from "../operator/hold.ts";
import { words } from "./language.ts";
import { type ConfigOptions, printJson, say, verb } from "./shared.ts";
import { lanesOfTarget, type OpenStore, withWritableStore } from "./store.ts";

interface Options extends ConfigOptions {
  json?: boolean;
}

export function resumeVerb(): Command {
  return verb("resume", words.operate.resume.description, "config", "json")
    .argument("<target>", words.operate.target)
    .action((target: string, options: Options) => withWritableStore(options, (open) => resume(open, target, options)));
}

async function resume(open: OpenStore, target: string, { json }: Options): Promise<void> {
  const lanes = await lanesOfTarget(open, target, "resume");
  const { changed, waiting } = await resumeLanes(open.store, lanes);
  if (json) return printJson({ target, paused: false, changed, waiting });
  const { done, notPaused } = words.operate.resume;
  say(changed ? done(target, waiting) : notPaused(target));
}
