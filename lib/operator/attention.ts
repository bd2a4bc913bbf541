/** What needs an operator's attention, the worst first. Pure functions. */

import { isTrouble } from "../refusal.ts";
import type { Reason } from "../reason.ts";
import type { DeadGroup } from "../store/views.ts";
import type { Alarm } from "./alarms_on.ts";
import type { Relays } from "./relays.ts";
import { isSilent, type RefusedView, type ReloadView, type RunView } from "./run.ts";
import type { Status } from "./status.ts";

/** Something that is wrong with a relay as a whole. `name` is that of the relay, where several share a store. Times are ISO 8601. */
export type RelayTrouble =
  /** No relay runs. */
  | { kind: "stopped"; stoppedAt: string | null; lastHeardAt: string | null }
  /** It is there, and has given no sign of life for a minute. */
  | { kind: "mute"; name?: string; lastHeardAt: string }
  /** Targets that no relay delivers to. */
  | { kind: "unowned"; targets: string[] }
  /** It ended without having been asked to, and others take over. */
  | { kind: "lost"; name: string; lastHeardAt: string | null }
  /** It is about to deliver to these targets of a relay that was lost. */
  | { kind: "taking"; name: string; targets: string[] }
  /** It refused the config on its disk. */
  | { kind: "reload"; name?: string; reload: ReloadView }
  /** The config on disk is sound, and not the one that it runs under. */
  | { kind: "config_changed" };

/** What is wrong with the relay of a store, or the relays that share it. */
export function relayTroubles(
  { view, relays, configChanged }: { view: RunView; relays?: Relays; configChanged: boolean },
  now: number,
): RelayTrouble[] {
  const { running, stoppedAt, lastHeardAt } = view;
  if (!running) return [{ kind: "stopped", stoppedAt, lastHeardAt }];
  const members = relays?.members ?? [{ ...view, name: undefined, taking: [] }];
  const changed: RelayTrouble[] = configChanged ? [{ kind: "config_changed" }] : [];
  return [
    ...members.flatMap((one): RelayTrouble[] =>
      isSilent(one, now) ? [{ kind: "mute", name: one.name, lastHeardAt: one.lastHeardAt! }] : []
    ),
    ...(relays && relays.unowned.length > 0 ? [{ kind: "unowned" as const, targets: relays.unowned }] : []),
    ...(relays?.gone ?? []).flatMap(({ name, state, lastHeardAt }): RelayTrouble[] =>
      state === "lost" ? [{ kind: "lost", name, lastHeardAt }] : []
    ),
    ...members.flatMap(({ name, taking }): RelayTrouble[] =>
      name !== undefined && taking.length > 0 ? [{ kind: "taking", name, targets: taking }] : []
    ),
    ...members.flatMap(({ name, reload }): RelayTrouble[] => reload ? [{ kind: "reload", name, reload }] : []),
    ...changed,
  ];
}

/**
 * One thing that needs attention, of one target; or for `silent` of the pattern that no event of came in, and for `refused`
 * of requests that came in longer ago than is shown, whose alarm is on.
 */
export interface Attention {
  kind: "silent" | "refused" | "dead" | "open" | "failing" | "orphaned" | "late" | "paused" | "throttled";
  target: string;
  /** Why the letters are dead, or the last attempt failed. */
  reason?: Reason;
  /** Deliveries that it is about. */
  count: number;
  /** ISO 8601: since when it is so, and until when. */
  since?: string;
  until?: string;
}

/** A target that is not held, and yet leaves a delivery waiting for longer than this beyond its own rules, is late. */
const LATE_MS = 5 * 60_000;

/** Everything that needs attention: silence and lost letters first, what goes on by itself last. */
export function attentionOf(
  statuses: readonly Status[],
  dead: readonly DeadGroup[],
  { alarms, refusals }: { alarms: readonly Alarm[]; refusals: readonly RefusedView[] },
  now: number,
): Attention[] {
  const orphans = new Set(statuses.filter(({ state }) => state === "orphaned").map(({ name }) => name));
  const letters = dead.filter(({ target }) => !orphans.has(target)).map(
    ({ target, reason, count, oldestAt }): Attention => ({ kind: "dead", target, reason, count, since: oldestAt }),
  ).sort((a, b) => b.count - a.count);
  const held = (state: Status["state"]) => statuses.filter((one) => one.state === state);
  const told = alarms.flatMap((alarm): Attention[] => {
    if (alarm.alarm === "silent") return [{ kind: "silent", target: alarm.pattern, count: 0, since: alarm.since }];
    if (alarm.alarm !== "refused" || refusals.some(isTrouble)) return [];
    return [{ kind: "refused", target: "", count: alarm.limit, since: alarm.since }];
  });
  const isTold = ({ name, lastReason }: Status) =>
    letters.some(({ target, reason }) => target === name && reason === lastReason);
  return [
    ...told,
    ...letters,
    ...held("failing").filter((one) => !isTold(one)).map((one) => ({
      ...about("failing", one),
      reason: one.lastReason ?? undefined,
      since: one.lastDeliveredAt ?? undefined,
    })),
    ...held("open").map((one) => ({
      ...about("open", one),
      reason: one.lastReason ?? undefined,
      since: undefined, // what waits may have come in long before the hold began
      until: one.circuitOpenUntil ?? undefined,
    })),
    ...held("orphaned").map((one) => ({ ...about("orphaned", one), count: waiting(one) + one.dead })),
    ...[...held("ok"), ...held("dead_letters")].filter((one) => isLate(one, now)).map((one) => about("late", one)),
    ...held("paused").map((one) => ({ ...about("paused", one), since: one.pausedAt ?? undefined })),
    ...held("throttled").map((one) => ({ ...about("throttled", one), until: one.throttledUntil ?? undefined })),
  ];
}

function about(kind: Attention["kind"], status: Status): Attention {
  return { kind, target: status.name, count: waiting(status), since: status.oldestPendingAt ?? undefined };
}

function waiting({ pending, inFlight }: Status): number {
  return pending + inFlight;
}

function isLate({ oldestPendingAt, waitsMs = 0 }: Status, now: number): boolean {
  return oldestPendingAt !== null && now - Date.parse(oldestPendingAt) > LATE_MS + waitsMs;
}
