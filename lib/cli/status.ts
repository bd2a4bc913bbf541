/** `relay status` */

import type { Command } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { visible } from "../log.ts";
import { attentionLines } from "./status_attention.ts";
import { factLines } from "./status_facts.ts";
import { readStatus, statusJson, type StatusNow } from "./status_now.ts";
import { ready } from "./status_ready.ts";
import { relayTable, takeoverLines } from "./status_relays.ts";
import { targetTable } from "./status_targets.ts";
import { formatAt, words } from "./language.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { type FoundStore, withFoundStore } from "./store.ts";
import { zoneLine } from "./times.ts";
import { canWatch, watch } from "./watch.ts";

interface Options extends ConfigOptions {
  json?: boolean;
  ready?: boolean;
  watch?: boolean;
}

export function statusVerb(): Command {
  return verb("status", words.status.description, "config", "json")
    .option("--ready", words.status.ready)
    .option("-w, --watch", words.status.watch)
    .addHelpText("after", words.status.help)
    .action((options: Options) => {
      checkUsage(options);
      return options.ready
        ? ready(options, options.json)
        : withFoundStore(options, (found) => options.watch ? watch(() => shown(found)) : once(found, options));
    });
}

function checkUsage({ watch, json, ready }: Options): void {
  if (!watch) return;
  if (json || ready) throw new RelayError(({ status }) => status.watchAlone, undefined, ExitCode.usage);
  if (canWatch()) return;
  throw new RelayError(({ status }) => status.watchNoTerminal, ({ status }) => status.watchHint, ExitCode.usage);
}

async function once(found: FoundStore, { json }: Options): Promise<void> {
  if (json) printJson(statusJson(await readStatus(found)), redactOf(found));
  else print(...await shown(found));
}

async function shown(found: FoundStore): Promise<string[]> {
  const redact = redactOf(found);
  return lines(await readStatus(found), redact).map((line) => visibleIn(redact(line)));
}

function redactOf(found: FoundStore): (text: string) => string {
  return "loaded" in found ? found.loaded.redact : (text) => text;
}

/** What is wrong comes first, each with what to do about it. */
function lines(now: StatusNow, redact: (text: string) => string): string[] {
  const format = formatAt(now.now);
  const { relays } = now;
  return [
    ...attentionLines(now, format, redact),
    "",
    ...factLines(now, format),
    "",
    ...(relays ? [...relayTable(relays, format), ""] : []),
    ...targetTable(now, format),
    ...(relays ? takeoverLines(relays, format) : []),
    "",
    zoneLine(),
  ];
}

/** Paths and the like may hold anything; colours are the program's own. */
function visibleIn(line: string): string {
  return line.split(/(\p{Cc}\[[\d;]*m)/u).map((part, at) => at % 2 === 0 ? visible(part) : part).join("");
}
