/** How each target is. Pure functions. */

import type { LaneHold } from "../store/mod.ts";
import type { TargetView } from "../store/views.ts";
import type { KnownTarget } from "../store/runs.ts";
import { longestWaitMs } from "./paced.ts";
import { lanesOfAll, type Target } from "../targets/target.ts";

/**
 * Why a target takes no deliveries: its circuit is `open`, it was `paused` by an operator, it is `throttled` as it asked
 * for a pause, or `orphaned` since the config does not name it.
 */
export type HeldState = "open" | "throttled" | "paused" | "orphaned";

/**
 * How a target is. `failing`: its last attempt failed, and nothing was delivered since. `dead_letters`: it delivers, but
 * some deliveries are dead.
 */
export type TargetState = "ok" | "failing" | "dead_letters" | HeldState;

/** A target as an operator sees it. */
export interface Status extends TargetView {
  state: TargetState;
  /** How long quiet hours and digests let a delivery wait, in milliseconds; absent: it has none. */
  waitsMs?: number;
}

/** Why a target takes no deliveries, and until when (ISO 8601); `null` where that is for an operator to end. */
export interface Held {
  state: HeldState;
  until: string | null;
}

/** Why a target will take no deliveries at this time, as far as is known; `undefined` is one that the config does not name. */
export function heldAt(at: number, target: Target | undefined, hold: LaneHold = {}): Held | null {
  const { openUntil = 0, throttledUntil = 0, pausedAt } = hold;
  if (!target) return { state: "orphaned", until: null };
  if (pausedAt !== undefined) return { state: "paused", until: null };
  if (target.policy.circuit && openUntil > at) return { state: "open", until: new Date(openUntil).toISOString() };
  return throttledUntil > at ? { state: "throttled", until: new Date(throttledUntil).toISOString() } : null;
}

/** What the states of a config's targets depend on; each recipient of a target with several counts by itself. */
export function knownTargets(targets: ReadonlyMap<string, Target>): KnownTarget[] {
  return [...lanesOfAll(targets.values()).values()].map(({ name, policy }) => {
    const waitsMs = longestWaitMs(policy);
    return { name, hasCircuit: policy.circuit !== undefined, ...(waitsMs > 0 && { waitsMs }) };
  });
}

/** The config's targets in their order, then those that only the store knows. */
export function statuses(views: readonly TargetView[], targets: readonly KnownTarget[], now: number): Status[] {
  const known = new Map(views.map((view) => [view.name, view]));
  const names = new Set(targets.map(({ name }) => name));
  const orphaned = views.filter(({ name, pending, inFlight, dead }) => !names.has(name) && pending + inFlight + dead);
  return [
    ...targets.map(({ name, hasCircuit, waitsMs }): Status => {
      const view = known.get(name) ?? untouched(name);
      return { ...view, state: stateOf(view, hasCircuit, now), ...(waitsMs !== undefined && { waitsMs }) };
    }),
    ...orphaned.map((view): Status => ({ ...view, state: "orphaned" })),
  ];
}

function stateOf(view: TargetView, hasCircuit: boolean, now: number): TargetState {
  const { circuitOpenUntil, throttledUntil, pausedAt, lastFailedAt, lastDeliveredAt, dead } = view;
  if (pausedAt !== null) return "paused";
  if (hasCircuit && circuitOpenUntil !== null) return "open";
  if (throttledUntil !== null && Date.parse(throttledUntil) > now) return "throttled";
  if (lastFailedAt !== null && (lastDeliveredAt === null || lastFailedAt > lastDeliveredAt)) return "failing";
  return dead > 0 ? "dead_letters" : "ok";
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
