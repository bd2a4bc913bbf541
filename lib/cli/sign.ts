/** `relay sign` */

import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

export function signVerb(): Command {
  return verb("sign", "print the signature header's value for these bytes", "config", "source", "json")
    .argument("[file]", "file to sign, - for standard input", "-")
    .action(async (file: string, options: SourceOptions) => {
      const source = sourceOf(await loadConfig(options.config), options.source);
      const signature = source.sign(readInput(file));
      if (options.json) printJson({ header: source.signatureHeader, signature });
      else print(signature);
    });
}
