/** `relay sign` */

import type { Command } from "commander";
import { requestTo } from "../sources/source.ts";
import { configOf, print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

export function signVerb(): Command {
  return verb("sign", "print the signature header's value for these bytes", "config", "source", "json")
    .argument("[file]", "file to sign, - for standard input", "-")
    .action(async (file: string, options: SourceOptions) => {
      const source = sourceOf(await configOf(options), options.source);
      const draft = source.draft("", readInput(file));
      const { json, lines } = signatureShown(source.sign(requestTo(source, draft, Date.now())));
      if (options.json) printJson(json);
      else print(...lines);
    });
}

/** A signature as it is printed: of one header the value alone, of several each with its name. */
export function signatureShown(headers: Record<string, string>): { json: object; lines: string[] } {
  const [[header, signature] = [], ...others] = Object.entries(headers);
  if (header !== undefined && others.length === 0) return { json: { header, signature }, lines: [signature!] };
  return { json: { headers }, lines: Object.entries(headers).map(([name, value]) => `${name}: ${value}`) };
}
