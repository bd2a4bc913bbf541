/** What a delivery needs first: when it begins, awaits, or ends. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RelayEvent } from "../../lib/event.ts";
import { stepOf } from "../../lib/lanes/need.ts";
import type { Outcome } from "../../lib/outcome.ts";
import type { Due } from "../../lib/store/mod.ts";
import { makeEvent } from "../helpers/target.ts";
import { T0 } from "../store/samples.ts";
import { failed, refused } from "./bench.ts";

const LANE = "relay::notes";
const MINUTE = 60_000;
const retry = { scheduleMs: [5_000, 30_000], jitter: 0 };
const must = { lane: LANE, isOptional: false };
const may = { lane: LANE, isOptional: true };

const note = { id: "n1" } as RelayEvent["note"];

/** A delivery that is due. */
const dueOf = (parts: Partial<Due> = {}): Due => ({
  ref: { event: 1, number: 1 },
  id: "d",
  lane: "a",
  revision: 0,
  attempts: 0,
  failures: 0,
  dueAt: T0,
  event: makeEvent(),
  isAwaited: false,
  isWaiting: false,
  ...parts,
});

/** One that had awaited what it needs, of which this came. */
const had = (outcome?: Outcome, parts: Partial<Due> = {}) =>
  dueOf({ awaited: LANE, fetched: { at: T0, outcome }, ...parts });

/** What is done about it, and whether it sees what was fetched. */
function step(due: Due, need: typeof must | undefined, now = T0) {
  const done = stepOf(due, need, retry, now);
  if (done.kind === "begin") return done.event.note ? "begins with it" : "begins without it";
  return done.kind === "await" ? done.awaits : done.outcome;
}

const event = { ...makeEvent(), note };

test("stepOf() begins what needs nothing, without what was fetched for others", () => {
  assert.equal(step(dueOf(), undefined), "begins without it");
  assert.equal(step(dueOf({ event }), undefined), "begins without it");
});

test("stepOf() begins with what was fetched, whoever it was fetched for", () => {
  for (const need of [must, may]) assert.equal(step(dueOf({ event }), need), "begins with it");
});

test("stepOf() awaits what was not fetched yet, for a minute where it can go without", () => {
  assert.deepEqual(step(dueOf(), must), { lane: LANE });
  assert.deepEqual(step(dueOf(), may), { lane: LANE, patienceMs: MINUTE });
  assert.deepEqual(step(dueOf({ awaited: "relay::other" }), must), { lane: LANE }, "another config, another lane");
});

test("stepOf() relies for ten minutes on a failure to fetch what it can go without, and fetches anew what it cannot", () => {
  const due = dueOf({ fetched: { at: T0, outcome: refused } });
  assert.equal(step(due, may, T0 + 10 * MINUTE - 1), "begins without it");
  assert.deepEqual(step(due, may, T0 + 10 * MINUTE), { lane: LANE, patienceMs: MINUTE });
  assert.deepEqual(step(due, may, T0 - 1), { lane: LANE, patienceMs: MINUTE }, "the clock was set back");
  assert.deepEqual(step(due, must), { lane: LANE });
});

test("stepOf() fetches anew for a delivery that failed for want of it", () => {
  const due = dueOf({ fetched: { at: T0, outcome: failed }, attempts: 1, failures: 1, reason: failed.reason });
  assert.deepEqual(step(due, may), { lane: LANE, patienceMs: MINUTE });
});

test("stepOf() ends what needs it as the fetching ended", () => {
  assert.deepEqual(step(had(refused), must), refused);
  assert.deepEqual(step(had(failed), must), failed);
});

test("stepOf() goes without where fetching is given up, or would be tried again only after a minute in all", () => {
  assert.equal(step(had(refused), may), "begins without it");
  assert.deepEqual(step(had(failed), may), failed, "in 5 s it is tried again");
  const later = had(failed, { attempts: 1, failures: 1, failingSince: T0 });
  assert.deepEqual(step(later, may, T0 + 30_000), failed);
  assert.equal(step(later, may, T0 + 30_001), "begins without it");
  assert.equal(step(had(failed, { attempts: 2, failures: 2 }), may), "begins without it", "the schedule has ended");
});

test("stepOf() goes without what did not come in time, and awaits it once more where it cannot", () => {
  assert.equal(step(dueOf({ awaited: LANE }), may), "begins without it");
  assert.deepEqual(step(dueOf({ awaited: LANE }), must), { lane: LANE });
});
