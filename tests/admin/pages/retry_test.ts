/** A retry of many dead letters: its page shows how far it is, and stops it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../../lib/store/mod.ts";
import { withAdmin } from "../../helpers/admin.ts";
import { seedDead } from "../../helpers/seed.ts";

const COUNT = 1_200;
const fill = (path: string) => seedDead(path, COUNT, "crm");

/** Has the store retry nothing until each step is let go, which waits for the store to come to it. */
function gate(store: Store): { steps: (() => void)[]; go(): Promise<void>; fail(error: Error): void } {
  const steps: (() => void)[] = [];
  let failure: Error | undefined;
  const retry = store.retry.bind(store);
  store.retry = async (refs, now) => {
    await new Promise<void>((resolve) => steps.push(resolve));
    if (failure) throw failure;
    return await retry(refs, now);
  };
  async function go() {
    await until(() => steps.length > 0);
    steps.shift()!();
  }
  return { steps, go, fail: (error) => failure = error };
}

/** Resolves when it holds; other work goes on meanwhile. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise((resolve) => setImmediate(resolve));
}

test("a retry of many goes on when its page is left, shows how far it is, and can be stopped", async () => {
  await withAdmin(async (ask, store) => {
    const page = async () => (await ask("/dead")).text();
    const { steps, go } = gate(store);
    const begun = await ask("/dead/retry", { method: "POST", body: "target=crm" });
    assert.deepEqual([begun.status, begun.headers.get("Location")], [303, "/dead"]);
    await until(() => steps.length > 0);
    assert.match(await page(), /Retrying: 0 of 1,200 dead letters\./);
    await go();
    await until(() => steps.length > 0);
    const running = await page();
    assert.match(running, /Retry of crm[\s\S]*Retrying: 500 of 1,200 dead letters\.[\s\S]*max="1200" value="500"/);
    assert.match(running, /crm: 700 dead letters/);
    assert.doesNotMatch(running, /href="\/dead\/retry/, "a second one cannot begin");
    const second = (await ask("/dead/retry", { method: "POST", body: "" })).headers.get("Location")!;
    assert.match(await (await ask(second)).text(), /Another retry is running: this one was not started\./);
    assert.equal((await ask("/dead/retry")).headers.get("Location"), "/dead");

    await ask("/dead/retry/stop", { method: "POST" });
    await go();
    await until(async () => !/data-running/.test(await page()));
    assert.match(await page(), /Stopped after 1,000 of 1,200 dead letters\. The others are still dead letters\./);
    assert.equal(steps.length, 0);

    await ask("/dead/retry", { method: "POST", body: "" });
    await go();
    await until(async () => !/data-running/.test(await page()));
    assert.match(await page(), /Done: 200 deliveries retried\.[\s\S]*No dead letters/);
  }, fill);
});

test("a retry that fails says why", async () => {
  await withAdmin(async (ask, store) => {
    const page = async () => (await ask("/dead")).text();
    const { steps, go, fail } = gate(store);
    await ask("/dead/retry", { method: "POST", body: "" });
    await go();
    await until(() => steps.length > 0);
    fail(new Error("disk full"));
    await go();
    await until(async () => !/data-running/.test(await page()));
    assert.match(await page(), /Failed after 500 of 1,200 dead letters:[\s\S]*disk full/);
  }, fill);
});

test("a retry ends with the relay", async () => {
  await withAdmin(async (ask, store, stopping) => {
    const page = async () => (await ask("/dead")).text();
    const { go } = gate(store);
    await ask("/dead/retry", { method: "POST", body: "" });
    stopping.abort();
    await go();
    await until(async () => !/data-running/.test(await page()));
    assert.match(await page(), /Stopped after 500 of 1,200 dead letters/);
  }, fill);
});
