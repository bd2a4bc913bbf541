/** What a failure is called, and what to do about it, also where this version of the relay does not know its reason. */

import type { Reason } from "../reason.ts";
import type { Language } from "./en.ts";

/** @param reason As it is stored: one of a newer relay's may be among them, and a dead letter of the first version has none. */
export function sayReason({ reasons, otherReason }: Language["pages"] | Language["messages"], reason: string | null) {
  if (reason !== null && Object.hasOwn(reasons, reason)) return reasons[reason as Reason];
  return { name: reason ?? otherReason.name, advice: otherReason.advice };
}
