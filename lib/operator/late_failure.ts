/** Why a message that its vendor had accepted never arrived. Pure functions. */

import type { DeliveryStory } from "../store/operator.ts";
import type { ReceiptView } from "../store/receipts.ts";

/** The receipt that says so of a delivery's last message; `undefined` where that arrived, or was refused by the answer. */
export function lateFailure(
  { receipt, receipts, history }: Pick<DeliveryStory, "receipt" | "receipts" | "history">,
): ReceiptView | undefined {
  if (receipt !== "failed" || history.at(-1)?.outcome !== "delivered") return undefined;
  return receipts.findLast(({ status }) => status === "failed");
}
