/** `relay status` */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { openStore, storePath } from "../app.ts";
import { loadConfig } from "../config/load.ts";
import { RelayError } from "../errors.ts";
import { paint } from "../log.ts";
import { type Status, statuses } from "../operator/status.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { ago, table } from "./terminal.ts";

export function statusVerb(): Command {
  return verb("status", "how each target is: what waits, since when, last success and failure", "config", "json")
    .addHelpText("after", "\nReads the store, whether `relay serve` runs or not.")
    .action(status);
}

async function status(options: ConfigOptions & { json?: boolean }): Promise<void> {
  const loaded = await loadConfig(options.config);
  const path = storePath(loaded);
  if (!existsSync(path)) {
    throw new RelayError(`Cannot read the store ${path}: there is none yet`, "start `relay serve`");
  }
  const store = openStore(loaded);
  try {
    const targets = statuses(await store.targets(), loaded.config.targets, Date.now());
    const backlog = targets.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
    const dead = targets.reduce((sum, one) => sum + one.dead, 0);
    const bytes = await store.bytes();
    const summary = `${path}: ${backlog} waiting, ${dead} dead, ${(bytes / 1024 ** 2).toFixed(1)} MB`;
    if (options.json) printJson({ store: path, bytes, backlog, dead, targets });
    else print(summary, "", ...lines(targets));
  } finally {
    await store.close();
  }
}

function lines(targets: Status[]): string[] {
  const now = Date.now();
  const since = (time: string | null) => time === null ? "-" : ago(now - Date.parse(time));
  return table([
    ["Target", "State", "Waiting", "Oldest", "Sending", "Dead", "Last success", "Last failure"],
    ...targets.map((one) => [
      one.name,
      words(one, now),
      String(one.pending),
      since(one.oldestPendingAt),
      String(one.inFlight),
      String(one.dead),
      since(one.lastDeliveredAt),
      one.lastFailedAt === null ? "-" : `${since(one.lastFailedAt)}: ${one.lastReason}`,
    ]),
  ]);
}

function words({ state, circuitOpenUntil, throttledUntil }: Status, now: number): string {
  if (state === "ok") return paint("green", "ok");
  if (state === "orphaned") return paint("yellow", "not in the config");
  if (state === "paused") return paint("yellow", "paused");
  if (state === "throttled") {
    return paint("yellow", `asked to wait until ${new Date(throttledUntil!).toLocaleTimeString("en-GB")}`);
  }
  const seconds = Math.ceil((Date.parse(circuitOpenUntil!) - now) / 1000);
  return paint("red", seconds > 0 ? `held, tries in ${seconds} s` : "held, tries with the next one");
}
