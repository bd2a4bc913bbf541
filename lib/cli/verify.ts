/** `relay verify` */

import process from "node:process";
import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { ExitCode } from "../errors.ts";
import { paint } from "../log.ts";
import { explainSignature } from "../sources/explain.ts";
import { print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

interface Options extends SourceOptions {
  signature: string;
}

export function verifyVerb(): Command {
  return verb("verify", "say whether a signature is valid, and if not, why", "config", "source", "json")
    .argument("[file]", "file with the bytes that were signed, - for standard input", "-")
    .requiredOption("--signature <value>", "the signature header's value")
    .addHelpText("after", "\nExit: 0 if it is valid, 1 if not.")
    .action(async (file: string, options: Options) => {
      const loaded = await loadConfig(options.config);
      const source = sourceOf(loaded, options.source);
      const body = readInput(file);
      const verification = source.verify(body, options.signature);
      const explanations = explainSignature(source, loaded.config.sources, body, options.signature);
      if (options.json) printJson({ good: verification.ok, source: source.name, explanations });
      else {
        const verdict = verification.ok
          ? paint("green", "The signature is good.")
          : paint("red", "The signature is not good.");
        print(verdict, ...explanations.map((one) => `  ${one}`));
      }
      if (!verification.ok) process.exitCode = ExitCode.failed;
    });
}
