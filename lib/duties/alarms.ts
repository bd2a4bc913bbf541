/** Alarms: one message when something begins that somebody wants to be told of, and one when it ends. */

import { alarmData, alarmSince, type AlarmState, type Alert, keyOf, type Seen } from "../alert.ts";
import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { type DeadLetters, systemEvent } from "../system_event.ts";
import { isTrouble, type Refused } from "../refusal.ts";
import type { Store } from "../store/mod.ts";
import { startDuty } from "./duty.ts";

/** Pause between two looks, in milliseconds. */
const PAUSE_MS = 2_000;

/** Most groups of dead letters that a message names. */
const MAX_GROUPS = 20;

/**
 * Starts to look for what alerts are about. What was told is kept in the store, so that neither a restart nor a reload
 * tells it again; an alert that is gone from the config is forgotten without a message.
 * @param alerts Asked at each look, since a reload may change them.
 * @param wake Called with the target of a message that is to be delivered.
 * @returns What ends it, and resolves once it has ended.
 */
export function startAlarms(
  store: Store,
  alerts: () => readonly Alert[],
  wake: (target: string) => void,
  clock: Clock,
): () => Promise<void> {
  const known = new KnownTimes(clock);
  return startDuty(async (signal) => {
    while (!signal.aborted) {
      try {
        for (const target of await lookForAlarms(store, alerts(), clock.now(), known)) wake(target);
      } catch (error) {
        log.error("cannot check alarms: {problem}", { problem: explain(error) });
      }
      await clock.sleep(PAUSE_MS, signal);
    }
  });
}

/** Since when, by the monotonic clock, each of several times is known. */
export class KnownTimes {
  readonly #clock: Clock;
  readonly #times = new Map<string, { time: number; since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For how many milliseconds the time of this name is known; 0 if it is new. */
  knownForMs(name: string, time: number): number {
    const now = this.#clock.monotonic();
    if (this.#times.get(name)?.time !== time) this.#times.set(name, { time, since: now });
    return now - this.#times.get(name)!.since;
  }
}

/**
 * Stores a message for each alarm that begins or ends now; gives the targets that are told.
 * @throws {StoreError} if the store cannot read or write now; the next look finds what this one missed.
 */
export async function lookForAlarms(
  store: Store,
  alerts: readonly Alert[],
  now: number,
  known: KnownTimes,
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
    if (await turn(store, alert, states.get(keyOf(alert))!, seen, now, own)) told.push(alert.to);
  }
  return told;
}

/** Requests that were refused and that somebody is told of, within as long as each alert asks for. */
async function refusedOf(store: Store, alerts: readonly Alert[], now: number): Promise<Map<number, Refused[]>> {
  const refused = new Map<number, Refused[]>();
  for (const alert of alerts) {
    if (!("refused" in alert) || refused.has(alert.withinMs)) continue;
    const all = await store.runs.refused(now - alert.withinMs, now);
    refused.set(alert.withinMs, all.filter(isTrouble));
  }
  return refused;
}

/** What is known of each alert, which is written only if alerts came or went. */
async function statesOf(store: Store, alerts: readonly Alert[], now: number): Promise<Map<string, AlarmState>> {
  const keys = new Set(alerts.map(keyOf));
  const states = await store.alarms.states();
  const isSame = states.size === keys.size && [...keys].every((key) => states.has(key));
  return isSame ? states : await store.alarms.watch([...keys], now);
}

async function turn(
  store: Store,
  alert: Alert,
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
  // By its order key the end of an alarm is not told before its beginning.
  const event = systemEvent(type, alert.to, { ...data, ...causes }, now, key);
  const isTold = await store.alarms.turn(key, since, event);
  if (isTold) log.warn("{type} goes to {target}", { type, target: alert.to, ...data });
  return isTold;
}

/** What the message about dead letters names. */
async function deadLetters(store: Store): Promise<DeadLetters> {
  const groups = (await store.deadGroups()).sort((one, other) => other.count - one.count);
  return groups.slice(0, MAX_GROUPS).map(({ target, reason, count, oldestAt: since }) => ({
    target,
    reason,
    count,
    since,
  }));
}
