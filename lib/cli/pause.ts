/** `relay pause` */

import type { Command } from "commander";
import { pause as pauseLanes } from "../operator/hold.ts";
import { words } from "./language.ts";
import { type ConfigOptions, printJson, say, verb } from "./shared.ts";
import { lanesOfTarget, type OpenStore, withWritableStore } from "./store.ts";

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
  const lanes = await lanesOfTarget(open, target, "pause");
  const { changed, waiting } = await pauseLanes(open.store, lanes);
  if (json) return printJson({ target, paused: true, changed, waiting });
  const { done, already } = words.operate.pause;
  say(changed ? done(target, waiting) : already(target, waiting));
}
