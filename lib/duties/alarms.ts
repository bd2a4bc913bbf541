/** Alarms: one message when a condition that someone wants to hear about begins, and one when it ends. */

import { alarmData, alarmSince, type AlarmState, type Alert, keyOf, type Seen } from "../alert.ts";
import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { type DeadLetters, systemEvent } from "../system_event.ts";
import { maskRecipients } from "../recipient.ts";
import { isTrouble, type Refused } from "../refusal.ts";
import type { Store } from "../store/mod.ts";
import { startDuty } from "./duty.ts";

/** Polling interval, in milliseconds. */
const PAUSE_MS = 2_000;

/** Most groups of dead letters that a message names. */
const MAX_GROUPS = 20;

/**
 * Starts to check the conditions of alerts. The store keeps what was reported, so that neither a restart nor a reload
 * reports it again; an alert that is removed from the config is forgotten without a message.
 * @param alerts Called at each check, since a reload may change them.
 * @param lanesOf Called with the name of the target of a message.
 * @param wake Called with the lanes of messages to deliver.
 * @returns A function that stops it and resolves once it has ended.
 */
export function startAlarms(
  store: Store,
  alerts: () => readonly Alert[],
  lanesOf: LanesOf,
  wake: (lanes: readonly string[]) => void,
  clock: Clock,
): () => Promise<void> {
  const known = new KnownTimes(clock);
  return startDuty(async (signal) => {
    while (!signal.aborted) {
      try {
        const lanes = await lookForAlarms(store, alerts(), clock.now(), known, lanesOf);
        if (lanes.length > 0) wake(lanes);
      } catch (error) {
        log.error("cannot check alarms: {problem}", { problem: explain(error) });
      }
      await clock.sleep(PAUSE_MS, signal);
    }
  });
}

/** Since when this process has known each of several times, by the monotonic clock. */
export class KnownTimes {
  readonly #clock: Clock;
  readonly #times = new Map<string, { time: number; since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long the time with this name has been known, in milliseconds; 0 if it is new. */
  knownForMs(name: string, time: number): number {
    const now = this.#clock.monotonic();
    if (this.#times.get(name)?.time !== time) this.#times.set(name, { time, since: now });
    return now - this.#times.get(name)!.since;
  }
}

/** Gives the lanes of a target by its name. */
type LanesOf = (target: string) => readonly string[];

/**
 * Stores a message for each alarm that begins or ends now, and returns the lanes of these messages.
 * @throws {StoreError} if the store cannot read or write now; the next check finds what this one missed.
 */
export async function lookForAlarms(
  store: Store,
  alerts: readonly Alert[],
  now: number,
  known: KnownTimes,
  lanesOf: LanesOf = (target) => [target],
): Promise<string[]> {
  const states = await statesOf(store, alerts, now);
  if (alerts.length === 0) return [];
  const limits = alerts.flatMap((alert) => "dead" in alert ? [alert.dead] : []);
  const refused = await refusedOf(store, alerts, now);
  const isForSilence = alerts.some((alert) => "silent" in alert);
  if (isForSilence) { while (await store.upkeep.observe()); }
  const seen: Seen = {
    dead: limits.length > 0 ? await store.alarms.countDead(Math.max(...limits)) : 0,
    lastReceived: isForSilence ? await store.alarms.lastReceived() : new Map(),
    refused: new Map([...refused].map(([ms, all]) => [ms, all.reduce((sum, { count }) => sum + count, 0)])),
    knownForMs: (name, time) => known.knownForMs(name, time),
  };
  const told: string[] = [];
  for (const alert of alerts) {
    const own = "refused" in alert ? refused.get(alert.withinMs) : undefined;
    const lanes = lanesOf(alert.to);
    if (await turn(store, { ...alert, lanes }, states.get(keyOf(alert))!, seen, now, own)) told.push(...lanes);
  }
  return told;
}

/** Refused requests that alerts count, by the `withinMs` of each alert. */
async function refusedOf(store: Store, alerts: readonly Alert[], now: number): Promise<Map<number, Refused[]>> {
  const refused = new Map<number, Refused[]>();
  for (const alert of alerts) {
    if (!("refused" in alert) || refused.has(alert.withinMs)) continue;
    const all = await store.runs.refused(now - alert.withinMs, now);
    refused.set(alert.withinMs, all.filter(isTrouble));
  }
  return refused;
}

/** The state of each alert, written only if alerts were added or removed. */
async function statesOf(store: Store, alerts: readonly Alert[], now: number): Promise<Map<string, AlarmState>> {
  const keys = new Set(alerts.map(keyOf));
  const states = await store.alarms.states();
  const isSame = states.size === keys.size && [...keys].every((key) => states.has(key));
  return isSame ? states : await store.alarms.watch([...keys], now);
}

async function turn(
  store: Store,
  alert: Alert & { lanes: readonly string[] },
  state: AlarmState,
  seen: Seen,
  now: number,
  refused?: readonly Refused[],
): Promise<boolean> {
  const since = alarmSince(alert, state, seen, now);
  if ((since === undefined) === (state.since === undefined)) return false;
  const key = keyOf(alert);
  const type = since === undefined ? "relay.alarm.end" : "relay.alarm.begin";
  const data = alarmData(alert, since ?? state.since!);
  const causes = since !== undefined && {
    ...("dead" in alert && { dead: await deadLetters(store) }),
    ...(refused && { refused: refused.map(({ source, reason, count }) => ({ source, reason, count })) }),
  };
  // The order key keeps the end of an alarm from being delivered before its beginning.
  const event = systemEvent(type, alert.lanes, { ...data, ...causes }, now, key);
  const isTold = await store.alarms.turn(key, since, event);
  if (isTold) log.warn("{type} goes to {target}", { type, target: alert.to, ...data });
  return isTold;
}

/** What the message about dead letters names. */
async function deadLetters(store: Store): Promise<DeadLetters> {
  const groups = (await store.deadGroups()).sort((one, other) => other.count - one.count);
  return groups.slice(0, MAX_GROUPS).map(({ target, reason, count, oldestAt: since }) => ({
    target: maskRecipients(target), // whoever is told need not know whose numbers these are
    reason,
    count,
    since,
  }));
}
