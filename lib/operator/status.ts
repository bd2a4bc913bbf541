/** How each target is. Pure functions. */

import type { TargetHold } from "../store/mod.ts";
import type { TargetView } from "../store/operator.ts";
import { isHeld, type Policy, type Target } from "../targets/target.ts";

/**
 * Whether a target takes deliveries: its circuit is `open`, it was `paused` by an operator, it is `throttled` as it asked
 * for a pause, or `orphaned` since the config does not name it.
 */
export type TargetState = "ok" | "open" | "throttled" | "paused" | "orphaned";

/** A target as an operator sees it. */
export interface Status extends TargetView {
  state: TargetState;
}

/** Why a target takes no deliveries, and until when (ISO 8601); `null` where that is for an operator to end. */
export interface Held {
  state: Exclude<TargetState, "ok">;
  until: string | null;
}

/** Why a target will take no deliveries at this time, as far as is known; `undefined` is one that the config does not name. */
export function heldAt(at: number, target: Target | undefined, hold: TargetHold = {}): Held | null {
  const { openUntil = 0, throttledUntil = 0, pausedAt } = hold;
  if (!target) return { state: "orphaned", until: null };
  if (pausedAt !== undefined) return { state: "paused", until: null };
  if (target.policy.circuit && openUntil > at) return { state: "open", until: new Date(openUntil).toISOString() };
  return throttledUntil > at ? { state: "throttled", until: new Date(throttledUntil).toISOString() } : null;
}

/** The config's targets in their order, then those that only the store knows. */
export function statuses(views: readonly TargetView[], targets: ReadonlyMap<string, Target>, now: number): Status[] {
  const known = new Map(views.map((view) => [view.name, view]));
  const orphaned = views.filter(({ name, pending, inFlight, dead }) => !targets.has(name) && pending + inFlight + dead);
  return [
    ...[...targets.values()].map(({ name, policy }): Status => {
      const view = known.get(name) ?? untouched(name);
      return { ...view, state: stateOf(view, policy, now) };
    }),
    ...orphaned.map((view): Status => ({ ...view, state: "orphaned" })),
  ];
}

function stateOf({ circuitOpenUntil, throttledUntil, pausedAt }: TargetView, policy: Policy, now: number): TargetState {
  if (pausedAt !== null) return "paused";
  if (isHeld(policy, circuitOpenUntil)) return "open";
  return throttledUntil !== null && Date.parse(throttledUntil) > now ? "throttled" : "ok";
}

function untouched(name: string): TargetView {
  return {
    name,
    pending: 0,
    inFlight: 0,
    dead: 0,
    oldestPendingAt: null,
    lastDeliveredAt: null,
    lastFailedAt: null,
    lastReason: null,
    circuitOpenUntil: null,
    throttledUntil: null,
    pausedAt: null,
  };
}
