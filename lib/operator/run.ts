/** Whether the relay runs, what it refused, and whether it goes on under an old config: as an operator sees it. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isTrouble, type Refused } from "../refusal.ts";
import type { Place } from "../errors.ts";
import { Told } from "../locale/told.ts";
import type { RefusedReload, Run, RunStore } from "../store/runs.ts";

/** How far back refused requests are told of, in milliseconds. */
export const REFUSED_SPAN_MS = 3_600_000;

/** A relay that is silent for this long does not work, though its process may still exist; in milliseconds. */
const SILENT_MS = 60_000;

/** The relay of a store. Times are ISO 8601, UTC; what follows `running` is `null` or empty where it does not run. */
export interface RunView {
  running: boolean;
  pid: number | null;
  /** When it was started. */
  since: string | null;
  version: string | null;
  listeners: { name: "listen" | "admin"; url: string }[];
  /** When it was heard of last, also one that does not run any more. */
  lastHeardAt: string | null;
  /** When the last one ended as it was asked to; `null` if it did not, or runs. */
  stoppedAt: string | null;
  /** The reload that it refused. */
  reload: ReloadView | null;
}

/** A reload that was refused: the config on disk is not sound, and the one before is at work. */
export interface ReloadView {
  refusedSince: string;
  problem: Told;
  mistakes: ({ path: string; message: Told } & Partial<Omit<Place, "excerpt">>)[];
}

/** Requests to one source that were refused for one reason. Times are ISO 8601, UTC. */
export interface RefusedView extends Omit<Refused, "lastAt"> {
  lastAt: string;
}

/** @param run What the relay said last, if one has ever run. */
export function runView(run: Run | undefined, isRunning: boolean): RunView {
  const lastHeardAt = run ? iso(run.heardAt) : null;
  if (!isRunning) {
    const stoppedAt = run?.stoppedAt === undefined ? null : iso(run.stoppedAt);
    return {
      running: false,
      pid: null,
      since: null,
      version: null,
      listeners: [],
      lastHeardAt,
      stoppedAt,
      reload: null,
    };
  }
  return {
    running: true,
    pid: run?.pid ?? null,
    since: run ? iso(run.since) : null,
    version: run?.version ?? null,
    listeners: [...run?.listeners ?? []],
    lastHeardAt,
    stoppedAt: null,
    reload: run?.refusedReload ? reloadView(run.refusedReload) : null,
  };
}

/** The relay that serves a store, seen from beside it. */
export async function runOf(runs: RunStore): Promise<{ view: RunView; run: Run | undefined }> {
  const isRunning = await runs.isServed();
  const run = await runs.last();
  return { run, view: runView(run, isRunning) };
}

/**
 * Whether a running relay has been silent for so long that it hangs, or was suspended.
 * @param now Unix milliseconds.
 */
export function isSilent(
  { running = true, lastHeardAt }: { running?: boolean; lastHeardAt: string | null },
  now: number,
): boolean {
  return running && lastHeardAt !== null && now - Date.parse(lastHeardAt) > SILENT_MS;
}

/** A hash of the text of a config file as it is on this machine's disk; `undefined` if it cannot be read. */
export function fingerprintOf(file: string): string | undefined {
  try {
    return createHash("sha256").update(readFileSync(file)).digest("hex");
  } catch {
    return undefined;
  }
}

/** Whether the config file of a relay of this machine has another text than the one that it runs under. What it imports is not looked at. */
export function hasConfigChanged({ config, fingerprint }: Pick<Run, "config" | "fingerprint">): boolean {
  const onDisk = fingerprint && fingerprintOf(config);
  return onDisk !== undefined && onDisk !== fingerprint;
}

/** Refused requests as an operator sees them; those that are nobody's trouble come last. */
export function refusedView(refused: readonly Refused[]): RefusedView[] {
  const [trouble, expected] = [refused.filter(isTrouble), refused.filter((one) => !isTrouble(one))];
  return [...trouble, ...expected].map((one) => ({ ...one, lastAt: iso(one.lastAt) }));
}

function reloadView({ since, problem, mistakes }: RefusedReload): ReloadView {
  return {
    refusedSince: iso(since),
    problem: Told.parse(problem),
    mistakes: mistakes.map((one) => ({ ...one, message: Told.parse(one.message) })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
