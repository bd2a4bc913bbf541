/** A target's circuit: when it opens, what it lets through, and when it closes again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Told } from "../../lib/locale/told.ts";
import type { Outcome } from "../../lib/outcome.ts";
import { Circuit } from "../../lib/lanes/circuit.ts";

const policy = { failures: 3, pauseMs: 1_000 };

const delivered: Outcome = { kind: "delivered" };
const failed: Outcome = { kind: "retry", reason: "server_failed", detail: Told.of("") };
const dead: Outcome = { kind: "dead", reason: "refused", detail: Told.of("") };
const paused: Outcome = { kind: "retry", reason: "rate_limited", detail: Told.of(""), pauseMs: 50 };

/** What the circuit says to these outcomes, all of them at one time. */
const noteAll = (circuit: Circuit, outcomes: Outcome[], now = 0) =>
  outcomes.map((outcome) => circuit.observe(outcome, now) ?? "");

/** A circuit that opened at 0: it lets a probe through at 1000. */
function opened(): Circuit {
  const circuit = new Circuit(policy);
  noteAll(circuit, [failed, failed, failed]);
  return circuit;
}

test("Circuit opens at the n-th failure in a row, counted anew after a success", () => {
  const rows: [name: string, outcomes: Outcome[], says: string[], failures: number][] = [
    ["one before", [failed, failed], ["", ""], 2],
    ["the n-th", [failed, failed, failed], ["", "", "opened"], 3],
    ["more", [failed, failed, failed, failed], ["", "", "opened", ""], 4],
    ["a success between", [failed, failed, delivered, failed, failed], ["", "", "", "", ""], 2],
    ["n after a success", [failed, delivered, failed, failed, failed], ["", "", "", "", "opened"], 3],
    ["successes alone", [delivered, delivered], ["", ""], 0],
    ["dead ones alone", [dead, dead, dead, dead], ["", "", "", ""], 0],
    ["dead ones between", [failed, dead, failed, dead, failed], ["", "", "", "", "opened"], 3],
    ["pauses alone", [paused, paused, paused, paused], ["", "", "", ""], 0],
    ["pauses between", [failed, paused, failed, paused, failed], ["", "", "", "", "opened"], 3],
  ];
  for (const [name, outcomes, says, failures] of rows) {
    const circuit = new Circuit(policy);
    assert.deepEqual(noteAll(circuit, outcomes), says, name);
    assert.deepEqual(
      [circuit.failures, circuit.openUntil],
      [failures, says.includes("opened") ? 1_000 : undefined],
      name,
    );
  }
});

test("Circuit opens at the first failure where the policy says one", () => {
  const circuit = new Circuit({ failures: 1, pauseMs: 10 });
  assert.equal(circuit.observe(failed, 5), "opened");
  assert.equal(circuit.openUntil, 15);
});

test("Circuit has room without bound while closed, for none while open, then for one probe", () => {
  assert.equal(new Circuit(policy).room(99, 0), Infinity);
  const rows: [now: number, inFlight: number, room: number][] = [
    [0, 0, 0],
    [999, 0, 0],
    [999, 2, 0],
    [1_000, 0, 1],
    [5_000, 0, 1],
    [1_000, 1, 0],
  ];
  const circuit = opened();
  for (const [now, inFlight, room] of rows) assert.equal(circuit.room(inFlight, now), room, `${inFlight} at ${now}`);
  assert.ok(circuit.room(2, 1_000) <= 0, "what is still in flight counts as the probe");
});

test("Circuit is not held longer by a failure of one that was in flight when it opened", () => {
  const circuit = opened();
  assert.deepEqual(noteAll(circuit, [failed, failed], 999), ["", ""]);
  assert.equal(circuit.openUntil, 1_000);
});

test("Circuit opens anew when its probe fails, for a whole pause from then", () => {
  const circuit = opened();
  assert.equal(circuit.observe(failed, 1_200), "opened");
  assert.deepEqual([circuit.openUntil, circuit.failures], [2_200, 4]);
  assert.deepEqual([circuit.room(0, 2_199), circuit.room(0, 2_200)], [0, 1]);
  assert.equal(circuit.observe(failed, 2_200), "opened", "the very moment at which it lets one through");
});

test("Circuit closes when a delivery succeeds, be it the probe or one that was in flight", () => {
  for (const now of [10, 1_200]) {
    const circuit = opened();
    assert.equal(circuit.observe(delivered, now), "closed");
    assert.deepEqual([circuit.openUntil, circuit.failures, circuit.room(5, now)], [undefined, 0, Infinity]);
    assert.deepEqual(noteAll(circuit, [failed, failed, failed], now), ["", "", "opened"], "counted from none");
  }
});

test("Circuit stays as it is after a probe that is dead, or after which the target asked for a pause", () => {
  for (const outcome of [dead, paused]) {
    const circuit = opened();
    assert.equal(circuit.observe(outcome, 1_200), undefined);
    assert.deepEqual([circuit.openUntil, circuit.room(0, 1_200)], [1_000, 1]);
  }
});

test("Circuit without a policy never opens", () => {
  const circuit = new Circuit();
  assert.deepEqual(noteAll(circuit, Array(100).fill(failed)), Array(100).fill(""));
  assert.deepEqual([circuit.openUntil, circuit.room(99, 0)], [undefined, Infinity]);
  assert.equal(new Circuit(undefined, 1_000).openUntil, undefined, "whatever was known of it");
});

test("Circuit that was open before begins with a probe then", () => {
  const circuit = new Circuit(policy, 500);
  assert.deepEqual([circuit.room(0, 499), circuit.room(0, 500), circuit.room(1, 500)], [0, 1, 0]);
  assert.equal(circuit.observe(failed, 600), "opened", "at the first failure");
  assert.equal(circuit.openUntil, 1_600);
  assert.equal(new Circuit(policy, 500).observe(delivered, 600), "closed");
});

test("Circuit lets a probe through at once under another policy, and keeps that policy's figures", () => {
  const circuit = opened();
  circuit.use({ failures: 1, pauseMs: 50 }, 300);
  assert.deepEqual([circuit.openUntil, circuit.room(0, 300), circuit.room(1, 300)], [300, 1, 0]);
  assert.equal(circuit.observe(failed, 310), "opened");
  assert.equal(circuit.openUntil, 360);
});

test("Circuit.close() begins anew", () => {
  const circuit = opened();
  circuit.close();
  assert.deepEqual([circuit.openUntil, circuit.failures, circuit.room(5, 0)], [undefined, 0, Infinity]);
});

test("Circuit that is closed stays closed under another policy, and goes on counting", () => {
  const circuit = new Circuit(policy);
  circuit.observe(failed, 0);
  circuit.use({ failures: 2, pauseMs: 50 }, 400);
  assert.equal(circuit.openUntil, undefined);
  assert.equal(circuit.observe(failed, 7), "opened");
  assert.equal(circuit.openUntil, 57);
});

test("Circuit closes under no policy, and may open again under one", () => {
  const circuit = opened();
  circuit.use(undefined, 400);
  assert.deepEqual([circuit.openUntil, circuit.room(5, 300), circuit.observe(failed, 300)], [
    undefined,
    Infinity,
    undefined,
  ]);
  circuit.use(policy, 400);
  assert.equal(circuit.openUntil, undefined);
});
