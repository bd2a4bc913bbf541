/** Accepting: an event counts as accepted only after it and its deliveries are written together. */

import { createHash } from "node:crypto";
import { callFunction } from "../callback.ts";
import type { Clock } from "../clock.ts";
import { StoreError } from "../errors.ts";
import type { ChainStep, NewDelivery, NewEvent, Payload } from "../event.ts";
import { eventId, formatId } from "../id.ts";
import type { Language } from "../locale/mod.ts";
import { Told } from "../locale/told.ts";
import { log } from "../log.ts";
import type { Redact } from "../secret.ts";
import type { Source, SourceEvent } from "../sources/source.ts";
import type { Writer } from "../store/writer.ts";
import { lanesOf, type Target, targetInLane } from "../targets/target.ts";
import { awaitedBy, type ChainRule, needOf, route, type RoutedEvent, type RoutingTable } from "./route.ts";

/** Longest order key given to a store, in UTF-16 units: an index entry in PostgreSQL holds about 2700 bytes. */
const MAX_ORDER_KEY = 500;

/** A genuine event, as received. */
export interface Received {
  source: Pick<Source, "name" | "dedupe">;
  /** What its source read from it. */
  event: SourceEvent;
  /** The bytes received. */
  body: Uint8Array;
  /** Headers that are passed on with the body. */
  headers: Record<string, string>;
  /** Which of the source's secrets signed it. */
  secretIndex: number;
  /** Unix milliseconds. */
  receivedAt: number;
}

/** What accepting needs to know of the config. */
export interface AcceptConfig extends RoutingTable {
  targets: ReadonlyMap<string, Target>;
  maxBacklog?: number;
  redact: Redact;
}

/**
 * Accepts an event: once it resolves, the event is on disk.
 * @throws {StoreError} if it cannot be stored now; then nothing of it was.
 */
export type Accept = (received: Received, config: AcceptConfig) => Promise<"stored" | "duplicate">;

/** Says whether there is room for more. */
export interface Backlog {
  /** Deliveries that wait, as far as is known. */
  count(): number;
  /** Adds deliveries that were accepted since; a negative number takes off those that are done. */
  add(deliveries: number): void;
}

/** @param onStored Called with an event that has to be delivered, and its sequence in the store. */
export function createAccept(
  writer: Pick<Writer, "accept">,
  backlog: Backlog,
  onStored: (event: NewEvent, seq: number) => void,
  clock: Clock,
): Accept {
  return async (received, config) => {
    const startedAt = clock.monotonic();
    checkBacklog(backlog, config.maxBacklog);
    const event = newEvent(received, config);
    const seq = await writer.accept(event);
    if (seq !== undefined && event.deliveries.length > 0) {
      backlog.add(event.deliveries.length);
      onStored(event, seq);
    }
    const result = seq === undefined ? "duplicate" : "stored";
    logAccepted(event, result, clock.monotonic() - startedAt);
    return result;
  };
}

function checkBacklog(backlog: Backlog, maxBacklog = Infinity): void {
  const count = backlog.count();
  if (count < maxBacklog) return;
  throw new StoreError(
    `Cannot store the event: ${count} deliveries wait, and maxBacklog is ${maxBacklog}`,
    "`relay status` tells which target does not take them",
  );
}

function newEvent(received: Received, config: AcceptConfig): NewEvent {
  const { source, event, body, headers, secretIndex, receivedAt } = received;
  const { deliveries, problems } = deliveriesOf(event, config);
  const id = idOf(received, problems);
  return {
    id,
    source: source.name,
    type: withoutNul(event.type),
    receivedAt,
    body,
    headers,
    secretIndex,
    problems: problems.map((one) => one.map(config.redact)),
    deliveries: deliveries.map((delivery) => awaiting(delivery, event, config)),
  };
}

/** Adds what the delivery awaits, to be created along with it; any other delivery finds its needs when it starts. */
function awaiting(delivery: NewDelivery, event: RoutedEvent, config: AcceptConfig): NewDelivery {
  if (delivery.chain !== undefined && delivery.chain.step > 1) return delivery; // it waits for its step
  const need = needOf(event, targetInLane(config.targets, delivery.target)!, config);
  return need ? { ...delivery, awaits: awaitedBy(need) } : delivery;
}

/**
 * The deliveries that the config gives an event, one for each recipient of a target that has several, and what its
 * functions threw.
 * @param to Names of targets, instead of those from the routes.
 */
export function deliveriesOf(
  event: RoutedEvent,
  config: Pick<AcceptConfig, "routes" | "fallback" | "targets">,
  to?: readonly string[],
): { deliveries: NewDelivery[]; problems: Told[] } {
  const { targets, chains, problems } = to ? { targets: to, chains: [], problems: [] } : route(event, config);
  const deliveries = targets.flatMap((name) => {
    const target = config.targets.get(name)!;
    const chain = stepOf(target, chains);
    const { order } = target.policy;
    const key = order && keyOf(`targets.${name}.order`, order, event.payload, problems);
    return lanesOf(target).map((lane): NewDelivery => ({
      target: lane.name,
      orderKey: key && shortened(key),
      ...(chain && { chain }),
    }));
  });
  return { deliveries, problems };
}

/** A target's step of the chain that it is in, if any. */
function stepOf({ name, receipts }: Target, chains: readonly ChainRule[]): ChainStep | undefined {
  const chain = chains.findIndex(({ targets }) => targets.includes(name));
  if (chain < 0) return undefined;
  const { targets, withinMs, until } = chains[chain]!;
  return { chain, step: targets.indexOf(name) + 1, withinMs, until, hasProof: receipts !== undefined };
}

/**
 * The event's id, which is its dedupe key. It includes the event's own time only where that is part of what makes two
 * events the same: a sender may put a new time on what it resends under the same `id`.
 */
export function idOf(
  { source, body, event }: Pick<Received, "source" | "body" | "event">,
  problems: Told[],
): Uint8Array {
  const own = source.dedupe && keyOf(`sources.${source.name}.dedupe`, source.dedupe, event.payload, problems);
  if (own !== undefined) return eventId(`${source.name}\0dedupe`, own, 0);
  if (event.id !== undefined) return eventId(`${source.name}\0id`, event.id, 0);
  return eventId(`${source.name}\0body`, body, event.time ?? 0);
}

/** The key that a function of the config returns; `undefined`, and a problem, if it returns none. */
function keyOf(
  name: string,
  key: (event: unknown) => unknown,
  payload: Payload,
  problems: Told[],
): string | undefined {
  const answer = callFunction(key, payload);
  if ("value" in answer && typeof answer.value === "string" && answer.value !== "") return withoutNul(answer.value);
  const problem = "problem" in answer ? answer.problem : (words: Language) => words.outcomes.callback.noText;
  problems.push(Told.of((words) => `${name} ${problem(words)}`));
  return undefined;
}

/** Some SQLite drivers do not read all of a text that contains a NUL, and PostgreSQL accepts none. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "\ufffd");
}

/** A key that is short enough for a store; different keys stay different. */
function shortened(key: string): string {
  return key.length <= MAX_ORDER_KEY ? key : `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

function logAccepted(event: NewEvent, result: "stored" | "duplicate", ms: number): void {
  const id = formatId(event.id);
  const targets = event.deliveries.map(({ target }) => target);
  const { source, type, secretIndex, body, problems } = event;
  const bytes = body.byteLength;
  const durationMs = Math.round(ms);
  if (result === "duplicate") {
    log.info("duplicate {type} {event}", { event: id, type, source, result, secretIndex, bytes, durationMs });
    return;
  }
  const goesTo = targets.join(", ") || "no target";
  const parts = { event: id, type, source, result, secretIndex, bytes, durationMs, goesTo, targets };
  log.info("accepted {type} {event} for {goesTo}", parts);
  for (const problem of problems) {
    log.warn("problem with {event}: {problem}", { event: id, type, source, problem: String(problem) });
  }
}
