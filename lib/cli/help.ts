/** `relay help` */

import type { Command } from "commander";
import type { Verb } from "./command.ts";
import { words } from "./language.ts";
import { verb } from "./shared.ts";

export function helpVerb(): Command {
  return verb("help", words.tools.help.about)
    .argument("[command...]", words.tools.help.command)
    .action((names: string[], _, { parent }: Command) => {
      let found = parent as Verb;
      for (const name of names) found = found.verbOf(name);
      found.outputHelp();
    });
}
