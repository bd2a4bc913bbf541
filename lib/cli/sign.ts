/** `relay sign` */

import { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { type ConfigOptions, print, readInput, sourceOf, withConfig, withSource } from "./shared.ts";

export function signVerb(): Command {
  return withSource(withConfig(new Command("sign").description("print the signature header's value for these bytes")))
    .argument("[file]", "file to sign, - for standard input", "-")
    .action(async (file: string, options: ConfigOptions & { source?: string }) => {
      const source = sourceOf(await loadConfig(options.config), options.source);
      print(source.sign(readInput(file)));
    });
}
