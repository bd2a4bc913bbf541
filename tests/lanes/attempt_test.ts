/** One attempt: what it comes to when it is ended early. What targets make of it is in `tests/targets/contract.ts`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Told } from "../../lib/locale/told.ts";
import type { Deferred, Outcome } from "../../lib/outcome.ts";
import { attempt } from "../../lib/lanes/attempt.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import type { Target } from "../../lib/targets/target.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";

/** A target that ends as this says once it is told to stop. */
function endingWith(end: () => Outcome): Target {
  return {
    ...makeTarget(httpTarget, { url: "http://127.0.0.1:1", timeout: 20 }),
    deliver: (_delivery, signal) =>
      new Promise((resolve, reject) => {
        const finish = () => {
          try {
            resolve(end());
          } catch (error) {
            reject(error);
          }
        };
        if (signal.aborted) finish();
        else signal.addEventListener("abort", finish);
      }),
  };
}

const rows: [does: string, end: () => Outcome, timedOut: string, stopped: string | undefined][] = [
  ["keeps a success that came at the last moment", () => ({ kind: "delivered" }), "delivered", "delivered"],
  [
    "blames no failure on the message",
    () => ({ kind: "dead", reason: "refused", detail: Told.of("no") }),
    "timed_out",
    undefined,
  ],
  [
    "takes no error for one of the program",
    () => {
      throw new Error("aborted");
    },
    "timed_out",
    undefined,
  ],
];

for (const [does, end, timedOut, stopped] of rows) {
  test(`attempt() that is ended early ${does}`, async () => {
    const clock = new HandClock(0);
    const read = (outcome: Outcome | Deferred | undefined) =>
      outcome && "reason" in outcome ? outcome.reason : outcome?.kind;
    const late = attempt(endingWith(end), makeDelivery, never, clock);
    await clock.run(20);
    assert.equal(read(await late), timedOut);
    const stop = new AbortController();
    const cut = attempt(endingWith(end), makeDelivery, stop.signal, clock);
    stop.abort();
    assert.equal(read(await cut), stopped);
  });
}
