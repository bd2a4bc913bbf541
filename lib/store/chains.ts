/** Chains as the SQL stores keep them: each is called by the number of its first delivery. */

import type { ChainStep, NewDelivery } from "../event.ts";

/** A delivery's place in its chain. */
export interface ChainMember extends Omit<ChainStep, "chain"> {
  /** Number of the chain's first delivery. */
  chain: number;
  /** Number of the first delivery of the step before; absent for the first step, which does not wait. */
  after?: number;
  /** How long it waits, in milliseconds; absent: until the step before it has begun. */
  waitMs?: number;
}

/** Lanes that a change of chains concerns. */
export interface ChainChanges {
  /** More is due in these, now or later. */
  released: Set<string>;
  /** Deliveries were skipped in these that had begun or that others stood behind: what was read of them is out of date. */
  outdated: Set<string>;
}

/**
 * The place of each of an event's deliveries in its chain; `undefined` for one of no chain.
 * @param first Number of the first delivery.
 */
export function chainMembers(deliveries: readonly NewDelivery[], first: number): (ChainMember | undefined)[] {
  const numberOf = (chain: number, step: number) =>
    first + deliveries.findIndex((one) => one.chain?.chain === chain && one.chain.step === step);
  return deliveries.map(({ chain: own }) => {
    if (!own) return undefined;
    const { chain, step, withinMs } = own;
    const member = { ...own, chain: numberOf(chain, 1) };
    if (step === 1) return member;
    return { ...member, after: numberOf(chain, step - 1), waitMs: step === 2 ? withinMs : undefined };
  });
}
