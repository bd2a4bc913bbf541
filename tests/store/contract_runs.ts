/** What every store does: keeping what its relay says of itself, and what that refused. */

import assert from "node:assert/strict";
import type { Refused } from "../../lib/refusal.ts";
import { REFUSALS_KEPT_MS, type Run } from "../../lib/store/runs.ts";
import type { It } from "./contract.ts";
import { T0 } from "./samples.ts";

const MINUTE_MS = 60_000;

/** The start of a minute. */
const M0 = T0 - T0 % MINUTE_MS;

const run: Run = {
  pid: 7,
  version: "1.2.3",
  since: M0,
  heardAt: M0,
  stoppedAt: undefined,
  config: "/etc/relay/relay.config.ts",
  listeners: [{ name: "listen", url: "http://[::]:3000" }],
  targets: [{ name: "crm", hasCircuit: true }],
};

const refused = (
  count: number,
  lastAt: number,
  reason: Refused["reason"] = "signature_wrong",
  source = "s",
): Refused => ({ source, reason, count, lastAt });

export function testRuns(it: It): void {
  it("runs.isServed() is so from serve() on until the store is closed", async (store, reopen) => {
    assert.equal(await store.runs.isServed(), false);
    await store.serve();
    assert.equal(await store.runs.isServed(), true);
    const again = await reopen();
    assert.equal(await again.runs.isServed(), false);
  });

  it("runs.last() gives what was said last, also after a restart", async (store, reopen) => {
    assert.equal(await store.runs.last(), undefined);
    await store.runs.say(run, []);
    const mistakes = [{ path: "routes[0].to", message: "unknown target" }];
    const refusedReload = { since: M0 + 3, problem: "1 mistake", mistakes };
    await store.runs.say({ ...run, heardAt: M0 + 5, refusedReload }, []);
    assert.deepEqual(await store.runs.last(), { ...run, heardAt: M0 + 5, refusedReload });
    const again = await reopen();
    await again.runs.say({ ...run, pid: 8, stoppedAt: M0 + 9 }, []);
    assert.deepEqual(await again.runs.last(), { ...run, pid: 8, stoppedAt: M0 + 9 });
  });

  it("runs.refused() adds up by source and reason, the most first", async (store) => {
    await store.runs.say(run, [
      refused(1, M0 + 10),
      refused(4, M0 + 20, "body_invalid"),
      refused(2, M0 + 30, "body_cut", "t"),
    ]);
    await store.runs.say(run, [refused(2, M0 + 25), refused(3, M0 + MINUTE_MS)]);
    assert.deepEqual(await store.runs.refused(M0, M0 + MINUTE_MS), [
      refused(6, M0 + MINUTE_MS),
      refused(4, M0 + 20, "body_invalid"),
      refused(2, M0 + 30, "body_cut", "t"),
    ]);
  });

  it("runs.refused() tells of those after a time, and of none of a clock that was ahead", async (store) => {
    await store.runs.say(run, [refused(1, M0 - 1), refused(2, M0 + 1_000)]);
    const counted = async (since: number, now: number) =>
      (await store.runs.refused(since, now)).map(({ count }) => count);
    assert.deepEqual(await counted(M0 - 2, M0 + 2_000), [3]);
    assert.deepEqual(await counted(M0 - 1, M0 + 2_000), [2]);
    assert.deepEqual(await counted(M0 + 1_000, M0 + 2_000), []);
    assert.deepEqual(await counted(M0 - 2, M0 - 1), [1], "before that");
  });

  it("runs.say() forgets what is older than it need be, and what lies ahead", async (store) => {
    await store.runs.say(run, [refused(1, M0 + 1), refused(1, M0 + 5 * MINUTE_MS)]);
    const count = async (now: number) => (await store.runs.refused(0, now)).reduce((sum, one) => sum + one.count, 0);
    assert.equal(await count(M0 + 9 * MINUTE_MS), 1, "what lay ahead is gone");
    await store.runs.say({ ...run, heardAt: M0 + REFUSALS_KEPT_MS }, []);
    assert.equal(await count(M0 + REFUSALS_KEPT_MS), 1);
    await store.runs.say({ ...run, heardAt: M0 + REFUSALS_KEPT_MS + 1 }, []);
    assert.equal(await count(M0 + REFUSALS_KEPT_MS), 0);
  });
}
