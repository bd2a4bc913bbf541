/** Randomness that can be repeated. */

import process from "node:process";

/** Gives a number from 0 to under 1. */
export type Random = () => number;

/** The seed that `FAULT_SEED` names, or a new one. */
export function chooseSeed(): number {
  return Number(process.env.FAULT_SEED) || Math.floor(Math.random() * 2 ** 31) + 1;
}

/** Mulberry32, by Tommy Ettinger, who gave it to the public domain. */
export function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of a list. */
export function pick<Item>(random: Random, list: readonly Item[]): Item {
  return list[Math.floor(random() * list.length)]!;
}
