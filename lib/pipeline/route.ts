/** Routing: which targets an event goes to, and why. Pure functions of the event and the config. */

import { callFunction } from "../callback.ts";
import type { Awaited, ChainUntil, Payload, ReadableEvent } from "../event.ts";
import { Told } from "../locale/told.ts";
import { matches } from "../pattern.ts";
import { targetOfLane } from "../recipient.ts";
import type { MessageFields } from "../targets/message.ts";
import type { Target } from "../targets/target.ts";

/** Targets that get an event one after the other, until one of them satisfies the chain. */
export interface ChainRule {
  targets: readonly string[];
  /** How long each of them has before the next one begins, in milliseconds. */
  withinMs: number;
  until: ChainUntil;
}

/** A route, as routing sees it. */
export interface RouteRule {
  on: readonly string[];
  /** All its targets, those of its chains among them. */
  to: readonly string[];
  /** Which of them are told one after the other; no target is in two. Absent: all are told at once. */
  chains?: readonly ChainRule[];
  when?: (event: unknown) => unknown;
  message: MessageFields;
  /** What the message is also made of, fetched first. */
  enrich?: Need;
}

/** What a delivery needs besides its event, fetched in the lane with this name. */
export interface Need {
  lane: string;
  /** The delivery goes out without it if it cannot be fetched. */
  isOptional: boolean;
}

/** How long a delivery waits for an optional need, in milliseconds. */
export const PATIENCE_MS = 60_000;

/** What a delivery with this need awaits. */
export function awaitedBy({ lane, isOptional }: Need): Awaited {
  return isOptional ? { lane, patienceMs: PATIENCE_MS } : { lane };
}

/** The fields of a target that decide what its deliveries need. */
type Needy = Pick<Target, "name" | "enrich" | "sendsBytes">;

/** Routes in order, and the target of events that none of them matched. */
export interface RoutingTable {
  routes: readonly RouteRule[];
  fallback?: string;
}

/** What one route said about an event. */
export type Verdict = "matched" | "other_event" | "when_false" | "when_threw";

/** Where an event goes. */
export interface Routing {
  /** Names of targets, each once. Empty for an event that is kept as unrouted. */
  targets: string[];
  /** Which of them are told one after the other, in this order. */
  chains: ChainRule[];
  /** One per route, in order. */
  verdicts: Verdict[];
  /** The targets come from `fallback`. */
  isFallback: boolean;
  /** What went wrong in a `when`. */
  problems: Told[];
}

/** An event, as routes see it. */
export interface RoutedEvent {
  readonly type: string;
  /** What the config's functions see of it. */
  readonly payload: Payload;
}

/** A stored event as routes saw it on receipt: without what was fetched for it. Its body is read only when needed. */
export function routedOf(event: ReadableEvent): RoutedEvent {
  let payload: Payload | undefined;
  return {
    type: event.type,
    get payload() {
      return payload ??= event.view(event);
    },
  };
}

/** Where this event goes. Never throws. */
export function route(event: RoutedEvent, table: RoutingTable): Routing {
  const problems: Told[] = [];
  const targets = new Set<string>();
  const matched: RouteRule[] = [];
  const verdicts = table.routes.map((rule, index) => {
    const verdict = judge(event, rule, index, problems);
    if (verdict === "matched") {
      for (const target of rule.to) targets.add(target);
      matched.push(rule);
    }
    return verdict;
  });
  const isFallback = targets.size === 0 && table.fallback !== undefined;
  if (isFallback) targets.add(table.fallback!);
  return { targets: [...targets], chains: chainsOf(matched), verdicts, isFallback, problems };
}

/**
 * The chains of these routes, each without the targets that get the event anyway: from a route that names them plainly,
 * or from a chain before it. What is left of one with a single target is no chain.
 */
function chainsOf(rules: readonly RouteRule[]): ChainRule[] {
  if (!rules.some((rule) => rule.chains && rule.chains.length > 0)) return []; // most routes have none
  const chains = rules.flatMap((rule) => rule.chains ?? []);
  const taken = new Set(rules.flatMap(({ to, chains = [] }) => {
    const chained = chains.flatMap(({ targets }) => targets);
    return to.filter((target) => !chained.includes(target));
  }));
  return chains.flatMap((chain) => {
    const targets = chain.targets.filter((target) => !taken.has(target));
    for (const target of targets) taken.add(target);
    return targets.length > 1 ? [{ ...chain, targets }] : [];
  });
}

/**
 * What routes say about the message to this target, or to the one whose lane this is: each field from the first matching
 * route that gives it.
 */
export function messageFor(event: RoutedEvent, target: string, table: RoutingTable): MessageFields {
  return messageOf(matchingRules(event, targetOfLane(target), table));
}

/** The matching routes to this target that say something about its messages, in order. */
function matchingRules(event: RoutedEvent, target: string, table: RoutingTable): RouteRule[] {
  const says = (rule: RouteRule) => rule.enrich !== undefined || Object.keys(rule.message).length > 0;
  const rules = table.routes.filter((rule) => rule.to.includes(target) && says(rule));
  if (rules.length === 0) return rules;
  return rules.filter((rule, index) => judge(event, rule, index, []) === "matched");
}

/** What these routes say about a message: each field from the first route that gives it. */
export function messageOf(rules: readonly RouteRule[]): MessageFields {
  if (rules.length === 0) return {};
  const given = rules.toReversed().flatMap((rule) => Object.entries(rule.message));
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** Whether any delivery to this target may need something first; costs next to nothing. */
export function mayNeed({ name: lane, enrich }: Needy, table: RoutingTable): boolean {
  const name = targetOfLane(lane);
  return enrich !== undefined || table.routes.some((rule) => rule.enrich && rule.to.includes(name));
}

/** What a delivery to this target needs first; `undefined` if nothing. */
export function needOf(event: RoutedEvent, target: Needy, table: RoutingTable): Need | undefined {
  if (!mayNeed(target, table)) return undefined;
  const { name, enrich } = target;
  const rules = matchingRules(event, targetOfLane(name), table);
  if (target.sendsBytes?.(messageOf(rules))) return undefined;
  const asked = [...rules.map((rule) => rule.enrich), enrich].filter((one) => one !== undefined);
  return asked.find(({ isOptional }) => !isOptional) ?? asked[0];
}

/** Whether a problem is that of a condition: then the event may not have gone where it should. */
export function isOfCondition(problem: Told): boolean {
  return /^routes\[\d+\]\.when /.test(String(problem));
}

function judge(event: RoutedEvent, rule: RouteRule, index: number, problems: Told[]): Verdict {
  if (!rule.on.some((pattern) => matches(pattern, event.type))) return "other_event";
  if (!rule.when) return "matched";
  const answer = callFunction(rule.when, event.payload);
  if ("value" in answer) return answer.value ? "matched" : "when_false";
  problems.push(Told.of((words) => `routes[${index}].when ${answer.problem(words)}`));
  return "when_threw";
}
