/** Lanes of ConnectVets' API: how many requests they make. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { noteLanes } from "../../lib/connectvets/note_lane.ts";
import { Pace } from "../../lib/lanes/pace.ts";

/** Most of these times that lie within so many milliseconds. */
function most(times: readonly number[], withinMs: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + withinMs).length));
}

test("noteLanes() make 100 requests a minute and 1,000 an hour at most, and no fewer by much", () => {
  const access = { url: "http://127.0.0.1", key: "k", isOptional: false, lane: "relay::connectvets 1" };
  const { policy } = noteLanes([access]).get(access.lane)!;
  const pace = new Pace(policy);
  const starts: number[] = [];
  for (let now = 0; starts.length < 2_100;) {
    now = pace.opensAt(now)!;
    pace.begin(now);
    pace.end();
    starts.push(now);
  }
  assert.deepEqual([most(starts, 60_000), most(starts, 3_600_000)], [100, 1_000]);
  assert.ok(starts.at(-1)! < 2.2 * 3_600_000);
});
