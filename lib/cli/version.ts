/** `relay version` */

import process from "node:process";
import type { Command } from "commander";
import { runtime } from "../runtime.ts";
import { VERSION } from "../version.ts";
import { words } from "./language.ts";
import { print, printJson, verb } from "./shared.ts";

export function versionVerb(): Command {
  return verb("version", words.tools.version, "json")
    .action(({ json }: { json?: boolean }) => {
      const about = {
        version: VERSION,
        runtime: `${runtime.name} ${runtime.version}`,
        platform: `${process.platform}-${process.arch}`,
      };
      if (json) printJson(about);
      else print(`relay ${about.version} (${about.runtime}, ${about.platform})`);
    });
}
