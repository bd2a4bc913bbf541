/** What a store keeps of the relay that serves it, and of the requests that this one refused. */

import type { Place } from "../errors.ts";
import type { Refused } from "../refusal.ts";

/** A relay that serves, or served last, as it said itself. Times are Unix milliseconds. */
export interface Run {
  pid: number;
  version: string;
  /** When it was started. */
  since: number;
  /** When it said this. */
  heardAt: number;
  /** It ended then, as it was asked to. */
  stoppedAt?: number;
  /** What the machine's start is called, which tells a crash from a loss of power; absent where it has no name. */
  bootId?: string;
  /** Path of its config file. */
  config: string;
  /** A hash of that file's text as it was loaded; absent of a relay of an earlier version. */
  fingerprint?: string;
  listeners: readonly { name: "listen" | "admin"; url: string }[];
  /** Targets of the config at work. */
  targets: readonly KnownTarget[];
  /** It goes on under its old config: the one on disk was refused. */
  refusedReload?: RefusedReload;
}

/** A target of a config, as far as its state depends on that. */
export interface KnownTarget {
  name: string;
  /** The store still says that a target is held whose circuit was switched off since. */
  hasCircuit: boolean;
}

/** A config that a reload found, and refused. */
export interface RefusedReload {
  /** When the first of the reloads that were refused one after the other was asked for. */
  since: number;
  /** As `Told` stores it. */
  problem: string;
  /** Each message as `Told` stores it. */
  mistakes: readonly ({ path: string; message: string } & Partial<Omit<Place, "excerpt">>)[];
}

/** How long refused requests are remembered, in milliseconds. */
export const REFUSALS_KEPT_MS = 24 * 3_600_000;

/** The side of a store that tells of its relay. Errors and transactions are as in {@link Store}. */
export interface RunStore {
  /** Whether a relay serves the store now, this one or another. */
  isServed(): Promise<boolean>;
  /** What the relay that serves, or served last, said last. */
  last(): Promise<Run | undefined>;
  /**
   * Keeps what the relay that serves says, adds what it refused to the minute of each `lastAt`, and forgets what is older
   * than {@link REFUSALS_KEPT_MS} at `heardAt`. A loss of power may undo it.
   */
  say(run: Run, refused: readonly Refused[]): Promise<void>;
  /** Requests refused after `since`, by source and reason, the most first; to the minute in its first minute. */
  refused(since: number, now: number): Promise<Refused[]>;
}
