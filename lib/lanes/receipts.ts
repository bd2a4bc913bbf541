/** Applies receipts: what a vendor tells of a message later counts as an answer would have. */

import type { Clock } from "../clock.ts";
import { log } from "../log.ts";
import { deliveriesDone } from "../metrics.ts";
import type { Dead, Retry } from "../outcome.ts";
import { isAtLeast, type ReceiptStatus } from "../receipt.ts";
import { targetOfLane } from "../recipient.ts";
import { keyOf } from "../store/delivery.ts";
import type { Store } from "../store/mod.ts";
import type { AppliedReceipt, FreshReceipt, ReceiptChange } from "../store/receipts.ts";
import type { RetryPolicy, Target } from "../targets/target.ts";
import { logCircuit } from "./circuit.ts";
import type { Lane } from "./lane.ts";
import { nextAttemptAt } from "./retry.ts";

/** What receipts mean for a delivery. */
export interface Verdict {
  /** What is to be shown of it; `null` leaves it. */
  shown: ReceiptStatus | null;
  change?: ReceiptChange;
  /** Why its last message never arrived. */
  failure?: Retry | Dead;
}

/**
 * What fresh receipts of one delivery mean for it. That a message arrived ends it, however an attempt seemed to end. That
 * its last message failed opens it again or kills it, as an answer would have. That its last message was sent ends a
 * delivery that waits, since it does so only where relay never had, or never kept, the answer to its attempt.
 * @param judge What a failure means for the target.
 * @param random A number from 0 to under 1, which places the next attempt within the jitter.
 */
export function verdictOf(
  receipts: readonly FreshReceipt[],
  retry: RetryPolicy,
  now: number,
  random: number,
  judge: (failure: Retry | Dead) => Retry | Dead = (failure) => failure,
): Verdict {
  const { state, shown, failures } = receipts[0]!;
  const arrived = receipts.map(({ standing }) => standing).filter((one) => isAtLeast(one, "delivered"));
  if (arrived.length > 0 || isAtLeast(shown, "delivered")) {
    const best = arrived.includes("read") ? "read" : shown ?? "delivered";
    const change = state === "pending" || state === "dead" ? { state: "delivered" as const } : undefined;
    return { shown: isAtLeast(best, "delivered") ? best : "delivered", change };
  }
  const last = receipts.filter(({ isLast }) => isLast);
  const failed = last.find(({ status, failure, standing }) => status === "failed" && standing === "failed" && failure);
  if (!failed) {
    const wasSent = last.some(({ standing }) => standing === "sent");
    const change = wasSent && state === "pending" ? { state: "delivered" as const } : undefined;
    return { shown: wasSent ? "sent" : null, change };
  }
  const failure = judge(failed.failure!);
  if (state !== "delivered" && state !== "pending") return { shown: "failed", failure };
  const { reason } = failure;
  // A message of another kind is not bound to the window, and needs no pause.
  const isAtOnce = reason === "window_closed" && failures <= 1;
  const nextAt = isAtOnce ? now : nextAttemptAt(retry, Math.max(failures, 1), now, failure.pauseMs ?? 0, random);
  const isDead = failure.kind === "dead" || nextAt === undefined;
  const change: ReceiptChange = isDead ? { state: "dead", reason } : { state: "pending", reason, dueAt: nextAt };
  return { shown: "failed", failure, change };
}

/** What applying needs to know of the config. */
export interface ReceiptsConfig {
  lanes: ReadonlyMap<string, Target>;
  retry: RetryPolicy;
}

/** The receipts of one delivery, and what they mean for it. */
interface Judged extends Verdict {
  receipts: readonly FreshReceipt[];
}

export class Receipts {
  readonly #store: Pick<Store, "receipts" | "time">;
  readonly #clock: Clock;
  readonly #onHeld: () => void;

  /** @param onHeld Called after a failure has held a lane. */
  constructor(store: Pick<Store, "receipts" | "time">, clock: Clock, onHeld: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onHeld = onHeld;
  }

  /**
   * Applies what is fresh in these lanes, but for deliveries that are under way, whose answers may still come.
   * @param lanes Those that are owned here, by name.
   * @returns Whether anything was applied.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async apply(lanes: ReadonlyMap<string, Lane>, config: ReceiptsConfig): Promise<boolean> {
    const names = [...lanes.keys()].filter((name) => config.lanes.get(name)?.receipts);
    let isAny = false;
    for (let isMore = names.length > 0; isMore;) {
      const fresh = await this.#store.receipts.fresh(names);
      isMore = false;
      for (const [name, own] of Map.groupBy(fresh, ({ lane }) => lane)) {
        const lane = lanes.get(name);
        if (lane && await this.#applyIn(lane, own, config)) isMore = true;
      }
      isAny ||= isMore;
      if (isMore) await this.#clock.sleep(0); // lets other work run in between
    }
    return isAny;
  }

  /** Whether something was applied, so that there may be more. */
  async #applyIn(lane: Lane, fresh: readonly FreshReceipt[], config: ReceiptsConfig): Promise<boolean> {
    const underway = new Set(lane.underway.map(({ due }) => keyOf(due.ref)));
    const busy = new Set(fresh.filter(({ ref }) => underway.has(keyOf(ref))).map(({ message }) => message));
    const ready = fresh.filter(({ message }) => !busy.has(message));
    if (ready.length === 0) return false;
    const target = config.lanes.get(lane.epoch.lane)!;
    const retry = target.policy.retry ?? config.retry;
    const now = this.#store.time.now();
    const judged = [...Map.groupBy(ready, ({ ref }) => keyOf(ref)).values()].map((receipts) => ({
      receipts,
      ...verdictOf(receipts, retry, now, this.#clock.random(), target.judgeLate),
    }));
    const applied = judged.map(({ receipts, shown, change }): AppliedReceipt => {
      const { ref, revision } = receipts[0]!;
      return { ref, revision, shown, change };
    });
    const isWhole = await this.#store.receipts.apply(lane.epoch, applied, ready);
    lane.forgetRead();
    if (isWhole) { for (const one of judged) this.#tell(one, lane); }
    return isWhole;
  }

  #tell({ receipts, shown, change, failure }: Judged, lane: Lane): void {
    const [{ event, type, source, lane: target, delivery }] = receipts as [FreshReceipt];
    const fields = { event, type, source, target, delivery, receipt: shown };
    if (change && change.state !== "pending") deliveriesDone.inc({ target: targetOfLane(target), state: change.state });
    if (!failure || !change) return log.info("receipt of {type} {event} to {target}: {receipt}", fields);
    const changed = lane.pace.observe(failure, this.#clock.monotonic());
    if (changed) logCircuit(changed, target, lane.pace.circuit.failures, this.#store.time.now());
    if (changed || failure.pauseMs !== undefined) this.#onHeld();
    const detail = String(failure.detail); // in English, like the rest of the log
    const nextAttemptAt = change.dueAt && new Date(change.dueAt).toISOString();
    const told = { ...fields, reason: failure.reason, detail, ...(nextAttemptAt && { nextAttemptAt }) };
    if (!nextAttemptAt) return log.error("dead {type} {event} to {target}, as a receipt says: {detail}", told);
    log.warn("failed {type} {event} to {target}, as a receipt says: {detail}; next at {nextAttemptAt}", told);
  }
}
