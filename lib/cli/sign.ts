/** `relay sign` */

import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { print, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

export function signVerb(): Command {
  return verb("sign", "print the signature header's value for these bytes", "config", "source")
    .argument("[file]", "file to sign, - for standard input", "-")
    .action(async (file: string, options: SourceOptions) => {
      const source = sourceOf(await loadConfig(options.config), options.source);
      print(source.sign(readInput(file)));
    });
}
