/** The clock of a database's server, as a relay knows it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerTime } from "../../lib/store/postgres/server_time.ts";
import { HandClock } from "../helpers/clock.ts";
import { T0 } from "./samples.ts";

/** A server whose clock is ahead of this machine's by so much, and what a relay knows of it. */
function start(aheadMs: number) {
  const clock = new HandClock(T0);
  const time = new ServerTime(clock);
  let ahead = aheadMs;
  return {
    clock,
    time,
    setAhead: (ms: number) => void (ahead = ms),
    /** How far what is known is from the truth, in milliseconds. */
    error: () => time.now() - (clock.now() + ahead),
    /** Asks the server for its time: the question takes so long, and the answer. */
    ask(toMs: number, backMs: number) {
      const sentAt = clock.monotonic();
      clock.pass(toMs);
      const answer = clock.now() + ahead;
      clock.pass(backMs);
      time.learn(answer, sentAt);
    },
  };
}

test("ServerTime is this machine's until the server has told its own", () => {
  const { clock, time, ask, error } = start(-3_600_000);
  assert.equal(time.now(), T0);
  ask(1, 1);
  assert.equal(error(), 0);
  clock.set(T0 + 9e9);
  clock.pass(500);
  assert.equal(time.now(), T0 + 502 - 3_600_000, "it follows no clock of this machine that is set");
});

test("ServerTime knows as much as the quickest of several answers tells, and slow ones change nothing", () => {
  const { ask, error } = start(5_000);
  ask(900, 100);
  assert.ok(Math.abs(error()) <= 500, `${error()}`);
  ask(1, 1);
  assert.ok(Math.abs(error()) <= 1, `${error()}`);
  for (const [to, back] of [[2_000, 0], [0, 2_000], [300, 1]] as const) {
    ask(to, back);
    assert.ok(Math.abs(error()) <= 4, `${error()} after ${to} and ${back}`);
  }
});

test("ServerTime follows a server whose clock is set, either way, with the next answer", () => {
  const { ask, error, setAhead } = start(0);
  ask(1, 1);
  for (const ahead of [3_600_000, -3_600_000, 0]) {
    setAhead(ahead);
    ask(1, 1);
    assert.ok(Math.abs(error()) <= 1, `${error()}`);
  }
});

test("ServerTime follows a server whose clock drifts", () => {
  const { clock, ask, error, setAhead } = start(0);
  for (let minutes = 0; minutes < 600; minutes++) {
    setAhead(minutes * 60_000 * 1e-4);
    ask(2, 2);
    assert.ok(Math.abs(error()) <= 15, `${error()} after ${minutes} minutes`);
    clock.pass(60_000);
  }
});
