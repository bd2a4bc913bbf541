/** What a store keeps about the relay that serves it, and about the requests that this relay refused. */

import type { Place } from "../errors.ts";
import type { Refused } from "../refusal.ts";

/** A relay that serves, or served last, as it reported itself. Times are Unix milliseconds. */
export interface Run {
  pid: number;
  version: string;
  /** When it was started. */
  since: number;
  /** When it reported this. */
  heardAt: number;
  /** When it ended, if it was asked to. */
  stoppedAt?: number;
  /** Identifies the boot of the machine, which tells a crash from a power cut; absent where boots have no id. */
  bootId?: string;
  /** Path of its config file. */
  config: string;
  /** A hash of that file's text when it was loaded; absent for a relay of an earlier version. */
  fingerprint?: string;
  listeners: readonly { name: "listen" | "admin"; url: string }[];
  /** Targets of the config in use. */
  targets: readonly KnownTarget[];
  /** It keeps running with its old config, since the one on disk was refused. */
  refusedReload?: RefusedReload;
}

/** A target of a config, as far as its state depends on the config. */
export interface KnownTarget {
  name: string;
  /** The store may still say that a target is held whose circuit has since been switched off. */
  hasCircuit: boolean;
  /** How long quiet hours and digests let a delivery wait, in milliseconds; absent: it has none. */
  waitsMs?: number;
}

/** A config that a reload found and refused. */
export interface RefusedReload {
  /** When the first of the consecutive refused reloads was requested. */
  since: number;
  /** As `Told` stores it. */
  problem: string;
  /** Each message is as `Told` stores it. */
  mistakes: readonly ({ path: string; message: string } & Partial<Omit<Place, "excerpt">>)[];
}

/** How long refused requests are remembered, in milliseconds. */
export const REFUSALS_KEPT_MS = 24 * 3_600_000;

/** The part of a store that is about its relay. Errors and transactions are as in {@link Store}. */
export interface RunStore {
  /** Whether a relay serves the store now, this one or another. */
  isServed(): Promise<boolean>;
  /** The last report of the relay that serves, or served last. */
  last(): Promise<Run | undefined>;
  /**
   * Keeps what the serving relay reports, adds what it refused to the minute of each `lastAt`, and forgets what is
   * older than {@link REFUSALS_KEPT_MS} at `heardAt`. A power cut may undo it.
   */
  say(run: Run, refused: readonly Refused[]): Promise<void>;
  /** Requests refused after `since`, by source and reason, the most first; the first minute may count earlier ones. */
  refused(since: number, now: number): Promise<Refused[]>;
}
