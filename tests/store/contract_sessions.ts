/** What every store does: sessions of the operator's pages. */

import assert from "node:assert/strict";
import type { It } from "./contract.ts";
import { T0 } from "./samples.ts";

export function testSessions(it: It): void {
  it(
    "sessions.end() ends one session, also for the next program, until it would have ended by itself",
    async (store, reopen) => {
      const [one, other] = [{ id: "one", until: T0 + 10 }, { id: "other", until: T0 + 20 }];
      await store.sessions.end(one, T0);
      await store.sessions.end(one, T0);
      assert.deepEqual([await store.sessions.isEnded("one"), await store.sessions.isEnded("other")], [true, false]);
      const after = await reopen();
      assert.equal(await after.sessions.isEnded("one"), true);
      await after.sessions.end(other, T0 + 9);
      assert.deepEqual([await after.sessions.isEnded("one"), await after.sessions.isEnded("other")], [true, true]);
      await after.sessions.end({ id: "third", until: T0 + 30 }, T0 + 10);
      assert.deepEqual([await after.sessions.isEnded("one"), await after.sessions.isEnded("other")], [false, true]);
    },
  );
}
