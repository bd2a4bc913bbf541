/** Retrying: gives deliveries that are dead or waiting a new set of attempts, from now on. */

import { setImmediate as turn } from "node:timers/promises";
import { formatId, type IdBytes } from "../id.ts";
import type { Store } from "../store/mod.ts";
import type { DeadFilter } from "../store/operator.ts";
import type { ShownState } from "../store/views.ts";

/** What was done about each delivery that was named. */
export interface RetryResult {
  retried: { id: string; target: string }[];
  /** Delivered, or on its way. */
  untouched: { id: string; target: string; state: ShownState }[];
  /** Ids of no event and no delivery. */
  unknown: string[];
}

/** How long work reports its progress, and is ended early. */
export interface WorkOptions {
  /** Ends it between two steps; what was done by then stays done. */
  signal?: AbortSignal;
  onProgress?: (done: number) => void;
}

/** Most deliveries retried in one transaction. */
const BATCH = 500;

/**
 * Retries deliveries. The id of an event stands for all of its deliveries that are dead or waiting, except for steps of
 * chains that have not begun: these begin if their own ids are given.
 */
export async function retryIds(store: Store, ids: readonly IdBytes[], now: number): Promise<RetryResult> {
  const result: RetryResult = { retried: [], untouched: [], unknown: [] };
  for (const id of ids) {
    const text = formatId(id);
    const story = await store.story(id);
    if (!story) result.unknown.push(text);
    for (const { id, target, state, ref, chain } of story?.deliveries ?? []) {
      if (text !== story!.id && text !== id) continue;
      const isLeft = state === "in_flight" || (chain?.isWaiting && text === story!.id);
      if (!isLeft && await store.retry([ref], now) > 0) result.retried.push({ id, target });
      else result.untouched.push({ id, target, state });
    }
  }
  return result;
}

/** Retries dead letters, group by group and oldest first. One that dies anew meanwhile is not retried again. */
export async function retryDead(
  store: Store,
  filter: DeadFilter,
  now: number,
  { signal, onProgress }: WorkOptions = {},
): Promise<{ retried: number; isComplete: boolean }> {
  let retried = 0;
  for (const { target, reason } of await store.deadGroups(filter)) {
    const group = { target, reason, since: filter.since };
    let refs = await store.dead(group, { limit: BATCH });
    while (refs.length > 0) {
      if (signal?.aborted) return { retried, isComplete: false };
      retried += await store.retry(refs, now);
      onProgress?.(retried);
      await turn(); // an embedded store answers at once, and the relay has other work to do
      refs = await store.dead(group, { limit: BATCH, after: refs.at(-1) });
    }
  }
  return { retried, isComplete: true };
}
