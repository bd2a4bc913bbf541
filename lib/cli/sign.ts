/** `relay sign` */

import type { Command } from "commander";
import { requestTo } from "../sources/source.ts";
import { words } from "./language.ts";
import { configOf, print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";

export function signVerb(): Command {
  const { about, file } = words.send.sign;
  return verb("sign", about, "config", "source", "json")
    .argument("[file]", file, "-")
    .action(async (file: string, options: SourceOptions) => {
      const source = sourceOf(await configOf(options), options.source);
      const draft = source.draft("", readInput(file));
      const { json, lines } = signatureShown(source.sign(requestTo(source, draft, Date.now())));
      if (options.json) printJson(json);
      else print(...lines);
    });
}

/** A signature as it is printed: the value alone of a single header, and each of several with its name. */
export function signatureShown(headers: Record<string, string>): { json: object; lines: string[] } {
  const [[header, signature] = [], ...others] = Object.entries(headers);
  if (header !== undefined && others.length === 0) return { json: { header, signature }, lines: [signature!] };
  return { json: { headers }, lines: Object.entries(headers).map(([name, value]) => `${name}: ${value}`) };
}
