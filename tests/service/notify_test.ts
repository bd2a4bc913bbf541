/** What a service tells systemd, message by message. */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { createNotifier, type NotifierOptions, type ServiceNotifier } from "../../lib/service/notify.ts";
import { until } from "../helpers/wait.ts";

/** A notifier that tells a list. */
async function withNotifier(
  options: Partial<NotifierOptions>,
  work: (service: ServiceNotifier, told: string[]) => Promise<void> | void,
): Promise<void> {
  const told: string[] = [];
  const service = createNotifier({
    totals: () => Promise.resolve({ waiting: 3, dead: 1 }),
    env: { NOTIFY_SOCKET: "/run/notify" },
    send(socket, text) {
      assert.equal(socket, "/run/notify");
      told.push(text);
    },
    ...options,
  });
  try {
    await work(service, told);
  } finally {
    service.close();
  }
}

test("createNotifier() tells that it is ready, then what waits and what is dead", async () => {
  await withNotifier({}, async (service, told) => {
    assert.deepEqual(told, []);
    service.ready();
    await until("the status", () => told.length > 1);
    assert.deepEqual(told, ["READY=1", "STATUS=3 waiting, 1 dead"]);
  });
});

test("createNotifier() tells the status again when it has changed, and counts no further than shows", async () => {
  const limits = new Set<number>();
  const totals = (limit: number) => {
    limits.add(limit);
    return Promise.resolve({ waiting, dead: 0 });
  };
  let waiting = 9_999;
  await withNotifier({ totals, statusPauseMs: 1 }, async (service, told) => {
    service.ready();
    await until("the status", () => told.includes("STATUS=9999 waiting, 0 dead"));
    waiting = 10_000;
    await until("the next status", () => told.includes("STATUS=10000+ waiting, 0 dead"));
    assert.equal(told.length, 3);
    assert.deepEqual([...limits], [10_000]);
  });
});

test("createNotifier() goes on while the store cannot be read", async () => {
  let calls = 0;
  const totals = () => ++calls < 3 ? Promise.reject(new Error("locked")) : Promise.resolve({ waiting: 0, dead: 0 });
  await withNotifier({ totals, statusPauseMs: 1 }, async (service, told) => {
    service.ready();
    await until("the status", () => told.length > 1);
    assert.deepEqual(told, ["READY=1", "STATUS=0 waiting, 0 dead"]);
  });
});

test("createNotifier() tells of a reload with the time of it, and of a config that was refused until one is not", async () => {
  await withNotifier({}, async (service, told) => {
    service.ready();
    await until("the status", () => told.length === 2);
    service.reloading();
    service.reloaded(false);
    await until("the refusal", () => told.length === 5);
    service.reloading();
    service.reloaded(true);
    await until("its end", () => told.length === 8);
    assert.match(told[2]!, /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    assert.deepEqual(told.slice(3, 5), [
      "READY=1",
      "STATUS=config not reloaded, the previous one stays in use; 3 waiting, 1 dead",
    ]);
    assert.deepEqual(told.slice(6), ["READY=1", "STATUS=3 waiting, 1 dead"]);
  });
});

test("createNotifier() feeds the watchdog that is meant for it, also while it stops", async () => {
  const env = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "20000", WATCHDOG_PID: `${process.pid}` };
  await withNotifier({ env }, async (service, told) => {
    service.ready();
    const fed = () => told.filter((text) => text === "WATCHDOG=1").length;
    await until("two signs of life", () => fed() >= 2);
    service.stopping(5_000);
    assert.equal(told.at(-1), "STOPPING=1\nSTATUS=finishing what is in flight\nEXTEND_TIMEOUT_USEC=15000000");
    const before = fed();
    await until("another one", () => fed() > before);
  });
});

test("createNotifier() leaves alone a watchdog that is none or meant for another", async () => {
  const pid = `${process.pid}`;
  for (const more of [{}, { WATCHDOG_USEC: "2000", WATCHDOG_PID: `${pid}0` }, { WATCHDOG_USEC: "0" }]) {
    await withNotifier({ env: { NOTIFY_SOCKET: "/run/notify", ...more }, statusPauseMs: 1 }, async (service, told) => {
      service.ready();
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(told, ["READY=1", "STATUS=3 waiting, 1 dead"]);
    });
  }
});

test("createNotifier() tells nothing and counts nothing without systemd", async () => {
  const totals = () => assert.fail("counted");
  await withNotifier({ env: {}, totals, statusPauseMs: 1 }, async (service, told) => {
    service.ready();
    service.reloading();
    service.reloaded(false);
    await new Promise((resolve) => setTimeout(resolve, 10));
    service.stopping(0);
    assert.deepEqual(told, []);
  });
});
