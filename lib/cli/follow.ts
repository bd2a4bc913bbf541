/** Shows what becomes of an event's deliveries, for `relay send`. */

import process from "node:process";
import { systemClock } from "../clock.ts";
import { ExitCode } from "../errors.ts";
import type { IdBytes } from "../id.ts";
import { paint, visible } from "../log.ts";
import { follow, hasEnded, isFollowed, type Step } from "../operator/follow.ts";
import { heldAt } from "../operator/status.ts";
import { targetInLane } from "../targets/target.ts";
import type { DeliveryStory } from "../store/operator.ts";
import { reasonName } from "./event_words.ts";
import { formatAt, words } from "./language.ts";
import { LongWork, Progress } from "./long_work.ts";
import { say } from "./shared.ts";
import type { OpenStore } from "./store.ts";

interface Following {
  until: "tried" | "ended";
  patienceMs: number;
  /** Print nothing. */
  isQuiet?: boolean;
}

/**
 * Follows an event and prints a line for each attempt. Ends the program with 1 where a delivery has not reached its
 * target by then, and with 130 after Ctrl-C.
 * @returns The deliveries as they are then.
 */
export async function showAttempts(
  open: OpenStore,
  id: IdBytes,
  { until, patienceMs, isQuiet = false }: Following,
): Promise<DeliveryStory[]> {
  const { store, loaded: { redact } } = open;
  const [work, progress] = [new LongWork(), new Progress()];
  const tell = (line: string, color: "green" | "red" | "yellow") => {
    progress.end();
    say(paint(color, redact(visible(line))));
  };
  let deliveries: DeliveryStory[];
  try {
    deliveries = await follow(() => store.story(id), systemClock, {
      until,
      patienceMs,
      signal: work.signal,
      onStep: (step) =>
        isQuiet || tell(stepLine(step, store.time.now()), step.attempt.outcome === "delivered" ? "green" : "red"),
      onReceipt: ({ target }, { status }) =>
        isQuiet || tell(`${target}: ${words.pages.receipts[status]}`, status === "failed" ? "red" : "green"),
      onWaiting: ({ length }) => isQuiet || progress.show(words.send.follow.waiting(length)),
    });
  } finally {
    progress.end();
    work.end();
  }
  if (work.wasInterrupted) return deliveries;
  const isDone = (one: DeliveryStory) => isSettled(one) && (until === "tried" || hasEnded(one));
  if (!deliveries.every(isDone)) process.exitCode = ExitCode.failed;
  const waiting = deliveries.filter((one) => isFollowed(one, until));
  if (waiting.length > 0 && !isQuiet) {
    const names = await Promise.all(waiting.map((one) => waitingName(open, one)));
    tell(words.send.follow.late(durationText(patienceMs), names), "yellow");
    say(words.send.follow.seeStatus);
  }
  return deliveries;
}

/** Whether a delivery has reached its target, or need not. */
export function isSettled({ state }: Pick<DeliveryStory, "state">): boolean {
  return state === "delivered" || state === "skipped";
}

/** `plantao: attempt 1 failed: connection refused; next attempt in 5 s` */
function stepLine(
  { delivery, attempt: { attempt, outcome, durationMs, reason, status }, isNewest }: Step,
  now: number,
) {
  const { follow: said } = words.send;
  const { target, nextAttemptAt } = delivery;
  if (outcome === "delivered") return said.delivered(target, attempt, durationText(durationMs));
  const name = reason ? reasonName(reason) : outcome;
  const why = status === null ? name : `${name} (${status})`;
  if (outcome === "dead" || (isNewest && delivery.state === "dead")) return said.dead(target, attempt, why);
  const failed = said.failed(target, attempt, why);
  return isNewest && nextAttemptAt !== null ? `${failed}; ${nextText(nextAttemptAt, now)}` : failed;
}

/** A target that is still waited for, and why. */
async function waitingName(
  { store, loaded }: OpenStore,
  { target, nextAttemptAt, state, receipt }: DeliveryStory,
): Promise<string> {
  if (state === "delivered") return `${target} (${words.send.follow.unconfirmed(words.pages.receipts[receipt!])})`;
  const now = store.time.now();
  const held = heldAt(now, targetInLane(loaded.config.targets, target), (await store.lanes.holds()).get(target));
  if (held) return `${target} (${words.pages.states[held.state]})`;
  return nextAttemptAt === null ? target : `${target} (${nextText(nextAttemptAt, now)})`;
}

function nextText(nextAttemptAt: string, now: number): string {
  const inMs = Date.parse(nextAttemptAt) - now;
  const { follow: said } = words.send;
  return inMs < 500 ? said.nextNow : said.nextIn(durationText(Math.round(inMs / 1000) * 1000));
}

/** As a person types it, with a space that a terminal may break. */
function durationText(ms: number): string {
  return formatAt(Date.now()).duration(ms).replaceAll("\u00a0", " ");
}
