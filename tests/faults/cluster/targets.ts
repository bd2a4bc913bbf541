/** What the relays of a cluster deliver to, and what each target is promised. */

import type { Rules, TargetRules } from "./judge/mod.ts";

/** A target of the cluster. */
export interface ClusterTarget extends TargetRules {
  /** It gets the events whose number this divides. */
  every: number;
  /** How long it takes to answer, in milliseconds: at least, at most. */
  takesMs: [number, number];
  /** Its options in the config, as source text. */
  options?: string;
  /** The relay says in the body when it began. */
  isStamped?: boolean;
  /** It gets the notes of its events. */
  hasNotes?: boolean;
}

/** What the notes API allows within a minute. */
const CALLS_PER_MINUTE = 100;

/** How many order keys the events have. */
export const KEYS = 6;

/** How often a target's rate is counted, and the most in that time. */
const rate = { perMs: 2_000, limit: 20 };

export const targets = {
  /** Nothing in particular. */
  plain: { every: 1, takesMs: [0, 10], isSteady: true },
  /** One after the other of each key. */
  ordered: {
    every: 1,
    takesMs: [10, 60],
    isOrdered: true,
    isSteady: true,
    concurrency: 4,
    options: "concurrency: 4, order: (e) => e.data.external_id",
  },
  /** Two at a time. */
  narrow: { every: 2, takesMs: [50, 120], concurrency: 2, isSteady: true, options: "concurrency: 2" },
  /** So many within a time. */
  paced: {
    every: 4,
    takesMs: [0, 20],
    rate,
    isSteady: true,
    isStamped: true,
    options: `rate: { per: "${rate.perMs}ms", limit: ${rate.limit} }`,
  },
  /** Has the note in full. */
  noted: { every: 40, takesMs: [0, 20], hasNotes: true },
  /** Operators pause it, and it refuses some events until they retry them. */
  worked: { every: 4, takesMs: [0, 20], isStamped: true },
} as const satisfies Record<string, ClusterTarget>;

type TargetName = keyof typeof targets;

/** A target that only the other config of a rolling restart has. */
export const later: ClusterTarget = { every: 2, takesMs: [0, 20] };

/** The name of {@link later}. */
export const LATER = "later";

/** All of them, by name. */
export const allTargets: Readonly<Record<string, ClusterTarget>> = { ...targets, [LATER]: later };

/** Those for which something comes all the time. */
export const steady = Object.keys(allTargets).filter((name) => allTargets[name]!.isSteady);

export const rules: Rules = { targets: allTargets, callsPerMinute: CALLS_PER_MINUTE };

/** Whether an event is for a target. */
export function isFor(number: number, { every }: Pick<ClusterTarget, "every">): boolean {
  return number % every === 0;
}

/** The targets of an event. */
export function targetsOf(number: number): TargetName[] {
  return (Object.keys(targets) as TargetName[]).filter((name) => isFor(number, targets[name]));
}
