/** Why a delivery waits: for quiet hours to end, or for its digest. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { attentionOf } from "../../lib/operator/attention.ts";
import { longestWaitMs, pacedUntil } from "../../lib/operator/paced.ts";
import { statuses } from "../../lib/operator/status.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-03-02T21:03:00Z");
const quiet = { from: 20 * 60, to: 7 * 60, zone: "UTC", except: ["note.failed"] };
const digest = { everyMs: HOUR / 4, max: 50, zone: "UTC" };

/** What is said of a delivery that is due then. */
function paced(
  nextAttemptAt: string | null,
  policy: Parameters<typeof pacedUntil>[2],
  type = "note.ready",
  failures = 0,
) {
  return pacedUntil({ nextAttemptAt, failures }, { source: "clinic", type }, policy, NOW);
}

const END = "2026-03-03T07:00:00.000Z";
const DIGEST = "2026-03-02T21:15:00.000Z";

test("pacedUntil() tells quiet hours and digests from other times", () => {
  assert.deepEqual(paced(END, { quiet }), { state: "quiet", until: END });
  assert.deepEqual(paced(END, { quiet, digest }), { state: "quiet", until: END });
  assert.deepEqual(paced(DIGEST, { digest }), { state: "digest", until: DIGEST });
  assert.deepEqual(paced(DIGEST, { quiet, digest }, "note.failed"), { state: "digest", until: DIGEST });
  assert.equal(paced(END, { quiet }, "note.failed"), null, "which quiet hours except");
  assert.equal(paced("2026-03-03T07:00:00.001Z", { quiet }), null);
  assert.equal(paced(DIGEST, { digest }, undefined, 1), null, "a retry");
  assert.equal(paced(END, {}), null);
  assert.equal(paced(null, { quiet, digest }), null);
  assert.equal(paced("2026-03-02T21:00:00.000Z", { digest }), null, "due now");
  const system = { source: "relay", type: "relay.test" };
  assert.equal(pacedUntil({ nextAttemptAt: END, failures: 0 }, system, { quiet }, NOW), null);
});

test("longestWaitMs() is how long quiet hours and digests last", () => {
  assert.equal(longestWaitMs({ quiet }), 11 * HOUR);
  assert.equal(longestWaitMs({ quiet: { ...quiet, from: 12 * 60, to: 13 * 60 }, digest }), HOUR * 1.25);
  assert.equal(longestWaitMs({}), 0);
});

test("attentionOf() calls no target late whose quiet hours have a delivery wait", () => {
  const kinds = (waitedMs: number, waitsMs?: number) => {
    const view = { ...statuses([], [{ name: "chat", hasCircuit: true }], NOW)[0]!, pending: 1 };
    const views = [{ ...view, oldestPendingAt: new Date(NOW - waitedMs).toISOString() }];
    const known = statuses(views, [{ name: "chat", hasCircuit: true, ...(waitsMs && { waitsMs }) }], NOW);
    return attentionOf(known, [], { alarms: [], refusals: [] }, NOW).map(({ kind }) => kind);
  };
  assert.deepEqual([kinds(2 * HOUR), kinds(2 * HOUR, 11 * HOUR), kinds(12 * HOUR, 11 * HOUR)], [["late"], [], [
    "late",
  ]]);
});
