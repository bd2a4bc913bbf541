/** Applies receipts: what a vendor tells of a message later counts as an answer would have. */

import type { Clock } from "../clock.ts";
import { log } from "../log.ts";
import { deliveriesDone } from "../metrics.ts";
import { isAtLeast } from "../receipt.ts";
import { targetOfLane } from "../recipient.ts";
import type { Store } from "../store/mod.ts";
import { type AppliedReceipt, type FreshReceipt, MAX_FRESH } from "../store/receipts.ts";
import type { RetryPolicy, Target } from "../targets/target.ts";
import type { Lane } from "./lane.ts";
import { nextAttemptAt } from "./retry.ts";

type Change = NonNullable<AppliedReceipt["change"]>;

/**
 * What follows from a receipt; `undefined` if nothing does. That a message arrived ends its delivery, however an attempt
 * seemed to end. That it never will opens the delivery again or kills it, unless it arrived after all, or there is a newer
 * message.
 * @param random A number from 0 to under 1, which places the next attempt within the jitter.
 */
export function changeOf(receipt: FreshReceipt, retry: RetryPolicy, now: number, random: number): Change | undefined {
  const { status, failure, state, best, isLast, failures } = receipt;
  if (status !== "failed") {
    const hasArrived = isAtLeast(status, "delivered");
    return state === "pending" || (state === "dead" && hasArrived) ? { state: "delivered" } : undefined;
  }
  if (!failure || !isLast || isAtLeast(best, "delivered") || (state !== "delivered" && state !== "pending")) {
    return undefined;
  }
  const { reason, kind, pauseMs = 0 } = failure;
  const dueAt = kind === "dead" ? undefined : nextAttemptAt(retry, Math.max(failures, 1), now, pauseMs, random);
  return dueAt === undefined ? { state: "dead", reason } : { state: "pending", reason, dueAt };
}

/** What applying needs to know of the config. */
export interface ReceiptsConfig {
  lanes: ReadonlyMap<string, Target>;
  retry: RetryPolicy;
}

export class Receipts {
  readonly #store: Pick<Store, "receipts" | "time">;
  readonly #clock: Clock;

  constructor(store: Pick<Store, "receipts" | "time">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Applies what is fresh in these lanes, and returns whether there was any.
   * @param lanes Those that are owned here, by name.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async apply(lanes: ReadonlyMap<string, Lane>, { lanes: targets, retry }: ReceiptsConfig): Promise<boolean> {
    const names = [...lanes.keys()].filter((name) => targets.get(name)?.receipts);
    if (names.length === 0) return false;
    for (let isAny = false;; isAny = true) {
      const fresh = await this.#store.receipts.fresh(names);
      if (fresh.length === 0) return isAny;
      // Of one delivery only the first: the others are read again with what that has changed.
      const firsts = new Map(fresh.map((one) => [one.delivery, one] as const).toReversed());
      for (const [name, own] of Map.groupBy(firsts.values(), ({ lane }) => lane)) {
        const lane = lanes.get(name);
        if (!lane) continue;
        const target = targets.get(name)!;
        const changed = own.map((fresh) => {
          const failure = fresh.failure && (target.judgeLate?.(fresh.failure) ?? fresh.failure);
          const one = { ...fresh, failure };
          return { one, change: this.#changeOf(one, target.policy.retry ?? retry) };
        });
        await this.#store.receipts.apply(lane.epoch, changed.map(({ one, change }) => ({ ...one, change })));
        for (const { one, change } of changed) this.#tell(one, change, lane);
        lane.forgetRead();
      }
      if (firsts.size === fresh.length && fresh.length < MAX_FRESH) return true;
    }
  }

  #changeOf(receipt: FreshReceipt, retry: RetryPolicy): Change | undefined {
    return changeOf(receipt, retry, this.#store.time.now(), this.#clock.random());
  }

  #tell(receipt: FreshReceipt, change: Change | undefined, lane: Lane): void {
    const { event, type, source, lane: target, delivery, status, failure } = receipt;
    const fields = { event, type, source, target, delivery, receipt: status };
    if (change && change.state !== "pending") deliveriesDone.inc({ target: targetOfLane(target), state: change.state });
    if (status !== "failed") return log.info("receipt of {type} {event} to {target}: {receipt}", fields);
    if (failure && change) lane.pace.observe(failure, this.#clock.monotonic());
    const { reason } = failure ?? {};
    const detail = failure && String(failure.detail); // in English, like the rest of the log
    const nextAttemptAt = change?.dueAt && new Date(change.dueAt).toISOString();
    const told = { ...fields, reason, detail, ...(nextAttemptAt && { nextAttemptAt }) };
    if (change?.state === "dead") log.error("dead {type} {event} to {target}, as a receipt says: {detail}", told);
    else if (nextAttemptAt) {
      log.warn("failed {type} {event} to {target}, as a receipt says: {detail}; next at {nextAttemptAt}", told);
    } else log.info("receipt of {type} {event} to {target}: {receipt}", told);
  }
}
