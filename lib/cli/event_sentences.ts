/** Why an event went where it went, and what happens to its deliveries next, in sentences. */

import type { Format } from "../locale/format.ts";
import { sayReason } from "../locale/reasons.ts";
import type { Paced } from "../operator/paced.ts";
import type { Held } from "../operator/status.ts";
import { lateFailure } from "../operator/late_failure.ts";
import type { Story, ToldDelivery } from "../operator/story.ts";
import { isSystem } from "../system_event.ts";
import { reasonName } from "./event_words.ts";
import { locale, words } from "./language.ts";
import { fullTime, msOf, whenTime } from "./times.ts";

/** Where the event came from, and where it went and why. */
export function eventSentences(story: Story, format: Format): string[] {
  const { story: says } = words.events;
  const at = fullTime(story.receivedAt, format);
  if (isSystem(story)) return [says.ownMade(at)];
  const { number, of } = story.secret;
  return [
    says.received(at, story.source, says.secret(number, of)),
    ...routeSentences(story),
    ...story.problems.map((problem) => says.problem(problem.in(locale))),
  ];
}

/** What was done with it can be explained as far as the config of now would do the same. */
function routeSentences(story: Story): string[] {
  const { story: says } = words.events;
  const went = [...new Set(story.deliveries.map(({ target }) => target))];
  const { targets } = story.routing;
  const didGo = went.length === 0 ? says.wentNowhere : says.wentTo(went);
  const isSame = went.length === targets.length && targets.every((name) => went.includes(name));
  const replay = went.length === 0 ? [says.replayTo(story.id)] : [];
  if (isSame) return [explained(didGo, story), ...replay];
  const wouldGo = targets.length === 0 ? says.wouldGoNowhere : says.wouldGoTo(targets);
  return [`${didGo}.`, explained(wouldGo, story), ...replay];
}

/** @param what Where it goes by the routes of now. */
function explained(what: string, { routing: { routes, targets, isFallback } }: Story): string {
  const { story: says } = words.events;
  if (targets.length === 0) return says.becauseNothing(what);
  if (isFallback) return says.becauseFallback(what);
  const matched = routes.flatMap(({ on, verdict }, at) => verdict === "matched" ? [says.route(at, on)] : []);
  return says.because(what, matched);
}

/** How each delivery stands, and what happens next. */
export function deliverySentences(
  { deliveries }: Story,
  { now, isServed }: { now: number; isServed: boolean },
  format: Format,
): string[] {
  const waits = deliveries.some(({ state }) => state === "pending");
  return [
    ...deliveries.map((delivery) => deliverySentence(delivery, now, format)),
    ...(waits && !isServed ? [words.events.story.notRunning] : []),
  ];
}

function deliverySentence(delivery: ToldDelivery, now: number, format: Format): string {
  const { story: says } = words.events;
  const { id, target, state, attempts, reason, history } = delivery;
  const last = history.at(-1);
  const endedAt = last && whenTime(msOf(last.startedAt) + last.durationMs, format);
  if (state === "delivered" && endedAt !== undefined) return says.delivered(target, endedAt, attempts);
  if (state === "in_flight") return `${says.to(target)} ${says.inFlight(attempts + 1)}`;
  const why = reason === null ? words.pages.states[state] : reasonName(reason);
  const late = lateFailure(delivery);
  const failed = !last || endedAt === undefined
    ? says.untried
    : late
    ? says.notArrived(last.attempt, whenTime(msOf(late.at), format), why)
    : says.failed(last.attempt, endedAt, why);
  if (state === "delivered") return `${says.to(target)} ${words.pages.states.delivered}.`;
  if (state === "skipped") return `${says.to(target)} ${says.skipped}`;
  if (state === "dead") {
    const advice = reason === null ? [] : [sayReason(words.pages, reason).advice];
    return [says.to(target), failed, ...advice, says.dead(id)].join(" ");
  }
  return [says.to(target), failed, ...nextSentences(delivery, now, format)].join(" ");
}

/** What happens to a delivery that waits. */
function nextSentences(
  { target, held, nextAttemptAt, attempts, attemptsLeft, chain }: ToldDelivery,
  now: number,
  format: Format,
): string[] {
  const { story: says } = words.events;
  if (chain?.isWaiting) return [stepSentence(nextAttemptAt, now, format)];
  if (held) return [heldSentence(target, held, format)];
  if (nextAttemptAt === null) return [says.behind];
  const at = msOf(nextAttemptAt);
  const isDue = at <= now;
  if (attempts === 0) return [isDue ? says.triedNow : says.triedAt(whenTime(at, format))];
  // Of a target that the config does not name, which has none, it would be held.
  return [isDue ? says.retriedNow(attemptsLeft!) : says.retriedAt(whenTime(at, format), attemptsLeft!)];
}

/** When a step of a chain begins. */
function stepSentence(beginsAt: string | null, now: number, format: Format): string {
  const { chains } = words.pages;
  if (beginsAt === null) return chains.waits;
  const at = msOf(beginsAt);
  return at <= now ? chains.beginsNow : chains.begins(whenTime(at, format));
}

/** Why a target takes nothing now, and what ends that. */
export function heldSentence(target: string, { state, until }: Held | Paced, format: Format): string {
  const { story: says } = words.events;
  if (state === "orphaned") return says.heldOrphaned;
  if (state === "paused") return says.heldPaused(target);
  const when = whenTime(until!, format);
  const sentences = {
    open: says.heldOpen,
    throttled: says.heldThrottled,
    quiet: says.heldQuiet,
    digest: says.heldDigest,
  };
  return sentences[state](when);
}
