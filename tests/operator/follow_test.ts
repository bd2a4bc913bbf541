/** Following an event's deliveries, by a clock that is turned by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { follow } from "../../lib/operator/follow.ts";
import type { ReceiptStatus } from "../../lib/receipt.ts";
import type { DeliveryStory } from "../../lib/store/operator.ts";
import { HandClock } from "../helpers/clock.ts";

const attempt = (number: number, outcome: "delivered" | "retry" | "dead" = "retry") => ({
  attempt: number,
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  outcome,
  reason: null,
  detail: null,
  status: null,
  answer: null,
});

const delivery = (
  target: string,
  state: DeliveryStory["state"],
  history: ReturnType<typeof attempt>[],
  receipts: ReceiptStatus[] = [],
) =>
  ({
    id: target,
    target,
    state,
    history,
    attempts: history.length,
    reason: null,
    nextAttemptAt: null,
    receipt: receipts.at(-1) ?? null,
    receipts: receipts.map((status) => ({ status, at: "2026-01-01T00:00:00.000Z", reason: null, detail: null })),
    chain: null,
  }) as unknown as DeliveryStory;

const patienceMs = 60_000;

/** Follows an event that looks like this, one look after the other, and tells the steps. */
function following(looks: DeliveryStory[][], until: "tried" | "ended", signal?: AbortSignal) {
  const clock = new HandClock(0);
  const steps: string[] = [];
  let seen = 0;
  const ended = follow(async () => ({ deliveries: looks[Math.min(seen++, looks.length - 1)]! }), clock, {
    until,
    patienceMs,
    signal,
    onReceipt: ({ target }, { status }) => steps.push(`${target} ${status}`),
    onStep: ({ delivery, attempt, isNewest }) => steps.push(`${delivery.target} ${attempt.attempt} ${isNewest}`),
  });
  return { clock, steps, ended };
}

test("follow() tells of each attempt once, until every delivery has ended", async () => {
  const { clock, steps, ended } = following([
    [delivery("a", "pending", []), delivery("b", "pending", [])],
    [delivery("a", "delivered", [attempt(1, "delivered")]), delivery("b", "pending", [attempt(1), attempt(2)])],
    [delivery("a", "delivered", [attempt(1, "delivered")]), delivery("b", "pending", [attempt(1), attempt(2)])],
    [
      delivery("a", "delivered", [attempt(1, "delivered")]),
      delivery("b", "dead", [attempt(1), attempt(2), attempt(3, "dead")]),
    ],
  ], "ended");
  await clock.run(patienceMs / 2);
  assert.deepEqual((await ended).map(({ state }) => state), ["delivered", "dead"]);
  assert.deepEqual(steps, ["a 1 true", "b 1 false", "b 2 true", "b 3 true"]);
});

test("follow() ends at once for an event without deliveries, and after the first attempts where these are asked for", async () => {
  assert.deepEqual(await following([[]], "ended").ended, []);
  const { ended } = following([[delivery("a", "pending", [attempt(1)])]], "tried");
  assert.equal((await ended)[0]!.state, "pending");
});

test("follow() waits for the word that a message arrived, of a vendor that tells, and tells each word once", async () => {
  const once = [attempt(1, "delivered")];
  const looks = [
    [delivery("a", "delivered", once, ["accepted"])],
    [delivery("a", "delivered", once, ["accepted", "sent"])],
    [delivery("a", "delivered", once, ["accepted", "sent", "delivered"])],
  ];
  const { clock, steps, ended } = following(looks, "ended");
  await clock.run(patienceMs / 2);
  assert.equal((await ended)[0]!.receipt, "delivered");
  assert.deepEqual(steps, ["a 1 true", "a accepted", "a sent", "a delivered"]);
  assert.equal((await following(looks.slice(0, 1), "tried").ended)[0]!.receipt, "accepted");
});

const waiting = (target: string): DeliveryStory => ({
  ...delivery(target, "pending", []),
  chain: { id: 1, step: 2, steps: 2, withinMs: 600_000, until: "delivered", isWaiting: true },
});

test("follow() waits for no first attempt of a step that has not begun, but for its end", async () => {
  const looks = [[delivery("a", "pending", [attempt(1)]), waiting("b")], [
    delivery("a", "delivered", [attempt(1), attempt(2, "delivered")]),
    delivery("b", "skipped", []),
  ]];
  assert.equal((await following(looks, "tried").ended)[0]!.state, "pending");
  const { clock, ended } = following(looks, "ended");
  await clock.run(1_000);
  assert.deepEqual((await ended).map(({ state }) => state), ["delivered", "skipped"]);
});

test("follow() gives what still waits when time is up", async () => {
  const { clock, ended } = following([[delivery("a", "pending", [attempt(1)])]], "ended");
  let isOver = false;
  ended.then(() => isOver = true);
  await clock.run(patienceMs - 1);
  assert.equal(isOver, false);
  await clock.run(1);
  assert.equal((await ended)[0]!.state, "pending");
});

test("follow() ends when it is told to", async () => {
  const stop = new AbortController();
  const { clock, ended } = following([[delivery("a", "pending", [])]], "ended", stop.signal);
  await clock.run(1_000);
  stop.abort();
  assert.equal((await ended)[0]!.state, "pending");
});
