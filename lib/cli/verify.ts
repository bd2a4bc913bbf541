/** `relay verify` */

import process from "node:process";
import type { Command } from "commander";
import { ExitCode } from "../errors.ts";
import { inEnglish } from "../locale/phrase.ts";
import { paint } from "../log.ts";
import { words } from "./language.ts";
import { configOf, printJson, readInput, say, sourceOf, type SourceOptions, verb } from "./shared.ts";

interface Options extends SourceOptions {
  signature: string;
}

export function verifyVerb(): Command {
  const { about, file, signature, help } = words.send.verify;
  return verb("verify", about, "config", "source", "json")
    .argument("[file]", file, "-")
    .requiredOption("--signature <value>", signature)
    .addHelpText("after", help)
    .action(async (file: string, options: Options) => {
      const loaded = await configOf(options);
      const source = sourceOf(loaded, options.source);
      const body = readInput(file);
      const { isGood, sentences } = source.explain(options.signature, body, Date.now(), loaded.config.sources);
      if (options.json) printJson({ good: isGood, source: source.name, explanations: sentences.map(inEnglish) });
      else {
        const { good, bad } = words.send.verify;
        say(isGood ? paint("green", good) : paint("red", bad), ...sentences.map((one) => `  ${one(words)}`));
      }
      if (!isGood) process.exitCode = ExitCode.failed;
    });
}
