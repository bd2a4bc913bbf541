/** Event filters as the SQL stores take them. Pure functions. */

import { matches } from "../pattern.ts";
import type { EventFilter } from "./operator.ts";
import type { ShownState } from "./views.ts";

/**
 * A filter's conditions, as parameters of the statements.
 * @param targets The lanes that the filter's target stands for.
 * @param patternOf Translates a type's pattern to SQL. It may match more types, which {@link fitsType} then rejects.
 */
export function questionOf(
  { type, state, text }: EventFilter,
  targets: readonly string[] | undefined,
  patternOf: (type: string) => string,
) {
  const isOfEvent = state === "accepted" || state === "unrouted";
  const deliveryState: ShownState | null = state === undefined || isOfEvent ? null : state;
  return {
    type: type === undefined ? null : patternOf(type),
    text: text ? new TextEncoder().encode(text) : null,
    isRouted: isOfEvent ? Number(state === "accepted") : null,
    isNarrow: Number(targets !== undefined || deliveryState !== null),
    targets: targets ?? null,
    state: deliveryState,
  };
}

/** Whether an event has a type that a filter asks for. */
export function fitsType({ type }: EventFilter): (row: { type: string }) => boolean {
  return (row) => type === undefined || matches(type, row.type);
}
