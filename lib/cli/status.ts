/** `relay status` */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { openStore, storePath } from "../app.ts";
import { loadConfig } from "../config/load.ts";
import { RelayError } from "../errors.ts";
import { paint } from "../log.ts";
import type { TargetView } from "../store/mod.ts";
import { isHeld, type Policy, type Target } from "../targets/target.ts";
import { ago, type ConfigOptions, print, printJson, table, verb } from "./shared.ts";

/** Whether a target takes deliveries: `open` is its circuit, `paused` is what it asked for. */
type State = "ok" | "open" | "paused" | "orphaned";

/** A target as `status` shows it. */
interface Status extends TargetView {
  state: State;
}

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
    const targets = statuses(await store.targets(), [...loaded.config.targets.values()]);
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

/** The config's targets in their order, then those that only the store knows. */
function statuses(views: TargetView[], targets: Target[]): Status[] {
  const names = targets.map(({ name }) => name);
  const now = Date.now();
  const known = new Map(views.map((view) => [view.name, view]));
  const orphaned = views.filter(({ name, pending, inFlight, dead }) =>
    !names.includes(name) && pending + inFlight + dead
  );
  return [
    ...targets.map(({ name, policy }): Status => {
      const view = known.get(name) ?? untouched(name);
      return { ...view, state: stateOf(view, policy, now) };
    }),
    ...orphaned.map((view): Status => ({ ...view, state: "orphaned" })),
  ];
}

function stateOf({ circuitOpenUntil, pausedUntil }: TargetView, policy: Policy, now: number): State {
  if (isHeld(policy, circuitOpenUntil)) return "open";
  return pausedUntil !== null && Date.parse(pausedUntil) > now ? "paused" : "ok";
}

function untouched(name: string): TargetView {
  return {
    name,
    pending: 0,
    inFlight: 0,
    dead: 0,
    oldestPendingAt: null,
    lastDeliveredAt: null,
    lastFailedAt: null,
    lastReason: null,
    circuitOpenUntil: null,
    pausedUntil: null,
  };
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

function words({ state, circuitOpenUntil, pausedUntil }: Status, now: number): string {
  if (state === "ok") return paint("green", "ok");
  if (state === "orphaned") return paint("yellow", "not in the config");
  if (state === "paused") {
    return paint("yellow", `asked to wait until ${new Date(pausedUntil!).toLocaleTimeString("en-GB")}`);
  }
  const seconds = Math.ceil((Date.parse(circuitOpenUntil!) - now) / 1000);
  return paint("red", seconds > 0 ? `held, tries in ${seconds} s` : "held, tries with the next one");
}
