/** `relay verify` */

import process from "node:process";
import type { Command } from "commander";
import { ExitCode } from "../errors.ts";
import { paint } from "../log.ts";
import { configOf, print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

interface Options extends SourceOptions {
  signature: string;
}

export function verifyVerb(): Command {
  return verb("verify", "say whether a signature is valid, and if not, why", "config", "source", "json")
    .argument("[file]", "file with the bytes that were signed, - for standard input", "-")
    .requiredOption("--signature <value>", "the signature header's value")
    .addHelpText("after", "\nExit: 0 if it is valid, 1 if not.")
    .action(async (file: string, options: Options) => {
      const loaded = await configOf(options);
      const source = sourceOf(loaded, options.source);
      const body = readInput(file);
      const { isGood, sentences } = source.explain(options.signature, body, Date.now(), loaded.config.sources);
      if (options.json) printJson({ good: isGood, source: source.name, explanations: sentences });
      else {
        const verdict = isGood ? paint("green", "The signature is good.") : paint("red", "The signature is not good.");
        print(verdict, ...sentences.map((one) => `  ${one}`));
      }
      if (!isGood) process.exitCode = ExitCode.failed;
    });
}
