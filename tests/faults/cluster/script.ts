/** The script of a run: which faults, in which order, whom each strikes, and by what chance. A seed repeats it. */

import { pick, type Random, randomOf } from "../random.ts";
import { faults } from "./faults/mod.ts";
import { steady } from "./targets.ts";

export interface Step {
  fault: string;
  /** It strikes the relay that owns this target's lane then. */
  lane: string;
  /** Of all else that is left to chance in it. */
  seed: number;
}

/**
 * Each fault once, in an order by chance. What a step is does not depend on which others there are.
 * @param only The faults that are wanted. Default: all.
 */
export function scriptOf(seed: number, only?: readonly string[]): Step[] {
  const steps = Object.keys(faults).map((fault, index) => {
    const random = randomOf(seed + 1_000 * (index + 1));
    const rank = random();
    return { rank, step: { fault, lane: pick(random, steady), seed: Math.floor(random() * 2 ** 31) } };
  });
  return steps.filter(({ step }) => only?.includes(step.fault) ?? true)
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ step }) => step);
}

/** Faults that are over soon. */
const SHORT = ["calm", "slow", "cut", "backend", "database", "readonly", "full", "crowded"];

/** A few faults for a run of minutes: a stop and a death, and others by chance. */
export function someFaults(random: Random, others: number): string[] {
  const ranked = SHORT.map((name) => ({ name, rank: random() })).toSorted((one, other) => one.rank - other.rank);
  return ["stop", "kill", ...ranked.slice(0, others).map(({ name }) => name)];
}
