/** Figures are compared round by round. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Figure, Results } from "./results.ts";

const ratio = (a: number, b: number) => a / b;
const relay: Figure = ["ack", "relay", "rate"];
const peer: Figure = ["ack", "peer", "rate"];

function resultsOf(relaySamples: number[], peerSamples: number[]): Results {
  const results = new Results();
  for (const rate of relaySamples) results.add("ack", "relay", { rate });
  for (const rate of peerSamples) results.add("ack", "peer", { rate });
  return results;
}

test("compare() gives the median of the rounds, so that a round in which all was slow changes nothing", () => {
  const results = resultsOf([30, 3, 20], [10, 1, 4]);
  assert.equal(results.compare(relay, peer, ratio), 3);
});

test("compare() gives what the medians come to where rounds are missing", () => {
  assert.equal(resultsOf([30, 3, 30], [10, 1]).compare(relay, peer, ratio), 30 / 5.5);
});

test("compare() gives nothing where something was not measured", () => {
  const results = resultsOf([30], []);
  results.add("ack", "peer", { rate: undefined });
  assert.equal(results.compare(relay, peer, ratio), undefined);
});
