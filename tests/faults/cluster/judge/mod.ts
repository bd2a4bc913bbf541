/** The judge: says what was not as promised in a history. Pure functions. */

import { judgeDeliveries } from "./deliveries.ts";
import type { Finding, History, Rules } from "./history.ts";
import { judgeOrder } from "./order.ts";
import { judgePace } from "./pace.ts";
import { judgeTakeovers } from "./takeover.ts";

/**
 * Everything that was wrong, in the order in which it happened.
 * @param now What was acknowledged must have arrived by then.
 */
export function judge(history: History, rules: Rules, now: number): Finding[] {
  return [
    ...judgeDeliveries(history),
    ...judgeOrder(history, rules),
    ...judgePace(history, rules),
    ...judgeTakeovers(history, rules, now),
  ].toSorted((one, other) => one.at - other.at);
}

export type { Arrival, Fault, Finding, History, Hold, Posted, Rules, TargetRules } from "./history.ts";
export { outstanding } from "./deliveries.ts";
export { type Takeover, takeovers } from "./takeover.ts";
