/** Retaining: rounds that go on whatever the store answers, and end when they are told to. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import { type KeepPolicy, startRetaining } from "../../lib/pipeline/retain.ts";
import type { Expired } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite.ts";
import { makeFolder } from "../helpers/folder.ts";
import { sleep, until } from "../helpers/wait.ts";

const DAY_MS = 86_400_000;
const brief: KeepPolicy = { deliveredMs: 1, deadMs: 1 };

/** Retains by this policy, on a store that answers as `expire` says to its n-th call. */
async function withRetaining(
  keep: KeepPolicy,
  expire: (call: number) => Promise<Expired>,
  work: (calls: () => number, stop: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  const store = openSqlite(join(folder.path, "relay.db"));
  let calls = 0;
  store.expire = () => expire(++calls);
  const stop = startRetaining(store, () => keep);
  try {
    await work(() => calls, stop);
  } finally {
    await stop();
    await store.close();
    folder.remove();
  }
}

/** A batch after which there is always more. */
const endless = async (call: number): Promise<Expired> => {
  await sleep(20);
  return { deleted: 1, next: call };
};

test("startRetaining() goes on after a round that failed", async () => {
  const expire = async (call: number): Promise<Expired> => {
    if (call === 1) throw new StoreError("Cannot delete old events: database or disk is full");
    return { deleted: 0 };
  };
  await withRetaining(brief, expire, async (calls) => {
    await until("another round", () => calls() > 1);
  });
});

test("startRetaining() leaves room between batches, and ends in the middle of a round", async () => {
  await withRetaining(brief, endless, async (calls, stop) => {
    await until("a batch", () => calls() > 0);
    await sleep(350);
    assert.ok(calls() <= 6, `${calls()} batches`);
    await stop();
    const ended = calls();
    await sleep(100);
    assert.equal(calls(), ended);
  });
});

test("startRetaining() ends no sooner than the batch that it is at", async () => {
  let isWriting = false;
  const slow = async (): Promise<Expired> => {
    isWriting = true;
    await sleep(200);
    isWriting = false;
    return { deleted: 0 };
  };
  await withRetaining(brief, slow, async (_calls, stop) => {
    await until("a batch", () => isWriting);
    await stop();
    assert.equal(isWriting, false);
  });
});

test("startRetaining() sleeps where events are kept for years, and ends at once", async () => {
  const years = { deliveredMs: 1_000 * DAY_MS, deadMs: 1_000 * DAY_MS };
  await withRetaining(years, endless, async (calls) => {
    await sleep(100);
    assert.equal(calls(), 0);
  });
});
