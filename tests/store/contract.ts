/** What every store does: a suite that each back end runs. */

import { test } from "node:test";
import type { Clock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { testAccept } from "./contract_accept.ts";
import { testAlarms } from "./contract_alarms.ts";
import { testAwaiting } from "./contract_awaiting.ts";
import { testChainVerbs } from "./contract_chain_verbs.ts";
import { testChains } from "./contract_chains.ts";
import { testChanges } from "./contract_changes.ts";
import { testClock } from "./contract_clock.ts";
import { testDue } from "./contract_due.ts";
import { testExpire } from "./contract_expire.ts";
import { testFences } from "./contract_fences.ts";
import { testFencesAtRandom } from "./contract_fences_random.ts";
import { testLanes } from "./contract_lanes.ts";
import { testOperator } from "./contract_operator.ts";
import { testOrder } from "./contract_order.ts";
import { testPostponed } from "./contract_postponed.ts";
import { testReceipts } from "./contract_receipts.ts";
import { testRecord } from "./contract_record.ts";
import { testRuns } from "./contract_runs.ts";
import { testSessions } from "./contract_sessions.ts";
import { testTargets } from "./contract_targets.ts";
import { T0 } from "./samples.ts";

const A_DAY_MS = 86_400_000;

/** An empty store, open. */
export interface StoreBench {
  store: Store;
  /** Opens the same store, as a program does that is started anew; the store that was open is closed before. */
  reopen(): Promise<Store>;
  /** Removes it. Closes nothing. */
  remove(): Promise<void>;
}

/** Makes a bench with nothing in it, whose store has this clock. */
export type MakeBench = (clock: Clock) => Promise<StoreBench>;

/** Declares one test of the suite; `reopen` closes the store and opens it again. */
export type It = (
  what: string,
  work: (store: Store, reopen: () => Promise<Store>, clock: HandClock) => Promise<void>,
) => void;

/** Runs the suite. */
export function testStore(name: string, make: MakeBench): void {
  const it: It = (what, work) =>
    test(`${name} ${what}`, async () => {
      const clock = new HandClock(T0 + A_DAY_MS); // later than all that a test does that leaves it alone
      const bench = await make(clock);
      let open: Store | undefined = bench.store;
      try {
        await work(bench.store, async () => {
          await open?.close();
          open = undefined;
          return open = await bench.reopen();
        }, clock);
      } finally {
        await open?.close();
        await bench.remove();
      }
    });

  testAccept(it);
  testDue(it);
  testRecord(it);
  testFences(it);
  testFencesAtRandom(name, make);
  testOrder(it);
  testAwaiting(it);
  testPostponed(it);
  testChains(it);
  testChainVerbs(it);
  testLanes(it);
  testChanges(it);
  testTargets(it);
  testExpire(it);
  testAlarms(it);
  testRuns(it);
  testOperator(it);
  testClock(it);
  testSessions(it);
  testReceipts(it);
}
