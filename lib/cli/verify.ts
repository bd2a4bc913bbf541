/** `relay verify` */

import process from "node:process";
import { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { ExitCode } from "../errors.ts";
import { paint } from "../log.ts";
import { explainSignature } from "../sources/explain.ts";
import {
  type ConfigOptions,
  print,
  printJson,
  readInput,
  sourceOf,
  withConfig,
  withJson,
  withSource,
} from "./shared.ts";

interface Options extends ConfigOptions {
  signature: string;
  source?: string;
  json?: boolean;
}

export function verifyVerb(): Command {
  return withJson(
    withSource(withConfig(new Command("verify").description("say whether a signature is good, and if not, why"))),
  )
    .argument("[file]", "file with the bytes that were signed, - for standard input", "-")
    .requiredOption("--signature <value>", "the signature header's value")
    .addHelpText("after", "\nExit: 0 it is good, 1 it is not.")
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
