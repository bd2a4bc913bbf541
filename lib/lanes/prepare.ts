/** What the present config makes of a delivery: what it needs first, and what its target is given. */

import type { RelayEvent } from "../event.ts";
import { mayNeed, messageFor, type Need, needOf, routedOf, type RoutingTable } from "../pipeline/route.ts";
import type { Source } from "../sources/source.ts";
import { readable } from "../sources/view.ts";
import type { Due } from "../store/mod.ts";
import { isSystem } from "../system_event.ts";
import type { Delivery, Target } from "../targets/target.ts";

/** The routing table, and the sources that show events to the config's functions. */
export interface PrepareConfig extends RoutingTable {
  sources: readonly Pick<Source, "name" | "view">[];
}

/** What a delivery needs to have fetched for its event; `undefined` if nothing. */
export function needOfDue({ event }: Due, target: Target, config: PrepareConfig): Need | undefined {
  if (isSystem(event) || !mayNeed(target, config)) return undefined; // most need nothing, and then no event is read
  return needOf(routedOf(readable(event, config.sources)), target, config);
}

/** @param event With what was fetched for it, if the delivery may see that. */
export function deliveryOf(due: Due, event: RelayEvent, config: PrepareConfig): Delivery {
  const { id, attempts, lane, reason: lastReason } = due;
  const read = readable(event, config.sources);
  const message = isSystem(event) ? {} : messageFor(routedOf(read), lane, config);
  return { id, attempt: attempts + 1, event: read, message, lastReason };
}
