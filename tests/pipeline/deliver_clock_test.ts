/** Delivering with a clock that is set: while it is wrong, once it is right, and between starts. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type DeliverConfig, Deliverer } from "../../lib/pipeline/deliver.ts";
import { redactor } from "../../lib/secret.ts";
import { heldAt } from "../../lib/operator/status.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import { SetClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type Respond, type Sink, startSink, status } from "../helpers/sink.ts";
import { makeTarget } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { newEvent } from "../store/samples.ts";

const HOUR = 3_600_000;
const YEARS = 20 * 365 * 24 * HOUR;

interface Bench {
  clock: SetClock;
  sink: Sink;
  store(): Store;
  /** Sets the clock by so many milliseconds, which the deliverer that runs is told, as the relay does. */
  set(byMs: number): void;
  /** Stores an event that is received now, and has it delivered, to `a` unless others are given. */
  receive(key: string, targets?: string[]): Promise<void>;
  /** Ends the deliverer and starts another on the same store, as a restart does. */
  restart(): Promise<void>;
  /** The event's delivery: its state, how often it was tried, and in how many milliseconds it is due. */
  told(key: string): Promise<{ state: string; attempts: number; dueMs: number; durations: number[] }>;
}

/** @param options Of target `a`; there is a target `b` that has none. */
async function withClock(
  options: Record<string, unknown>,
  respond: Respond,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  const clock = new SetClock();
  const open = () => openSqlite(join(folder.path, "relay.db"), undefined, clock);
  const sink = await startSink(respond);
  const targets = [["a", options], ["b", {}]] as const;
  const config: DeliverConfig = {
    sources: [],
    targets: new Map(targets.map(([name, own]) => {
      const target = makeTarget(httpTarget, { url: `${sink.url}/${name}`, circuit: false, ...own });
      return [name, { ...target, name }];
    })),
    routes: [],
    retry: { scheduleMs: [12 * HOUR, 12 * HOUR], jitter: 0.2 },
    redact: redactor([]),
  };
  let store = open();
  let deliverer = new Deliverer(store, config, await store.holds(), clock);
  const end = async () => {
    await deliverer.stop(5_000);
    await store.close();
  };
  try {
    await work({
      clock,
      sink,
      store: () => store,
      set(byMs) {
        clock.byMs = byMs;
        deliverer.clockWasSet();
      },
      async receive(key, targets = ["a"]) {
        await store.accept([newEvent(key, targets, { receivedAt: clock.now() })]);
        deliverer.wake();
      },
      async restart() {
        await end();
        store = open();
        await store.serve(clock.now());
        deliverer = new Deliverer(store, config, await store.holds(), clock);
        deliverer.wake();
      },
      async told(key) {
        const { state, attempts, nextAttemptAt, history } = (await store.story(newEvent(key).id))!.deliveries[0]!;
        const dueMs = nextAttemptAt === null ? NaN : Date.parse(nextAttemptAt) - clock.now();
        return { state, attempts, dueMs, durations: history.map(({ durationMs }) => durationMs) };
      },
    });
  } finally {
    await end();
    await sink.close();
    folder.remove();
  }
}

/** Answers 500 as long as it is told to. */
function failing(): { respond: Respond; stop(): void } {
  let isFailing = true;
  return { respond: (response) => void response.writeHead(isFailing ? 500 : 200).end(), stop: () => isFailing = false };
}

for (const [name, byMs] of [["10 hours", 10 * HOUR], ["20 years", YEARS]] as const) {
  for (const isRunning of [true, false]) {
    const when = isRunning ? "while it runs" : "between starts";
    test(`Deliverer delivers at once what failed ${name} ahead, when the clock is right again ${when}`, async () => {
      const { respond, stop } = failing();
      await withClock({}, respond, async ({ sink, set, receive, told, restart, clock }) => {
        set(byMs);
        await receive("1");
        await sink.received(1);
        const failed = await until("the failure", async () => {
          const one = await told("1");
          return one.attempts === 1 && one;
        });
        assert.ok(failed.dueMs > 9 * HOUR && failed.dueMs <= 14.4 * HOUR, `${failed.dueMs}`);
        stop();
        if (isRunning) set(0);
        else {
          clock.byMs = 0;
          await restart();
        }
        await until("the delivery", async () => (await told("1")).state === "delivered");
      });
    });
  }
}

test("Deliverer takes a due time for what it is when the clock was set back and forth while it waited", async () => {
  const { respond } = failing();
  await withClock({}, respond, async ({ sink, set, receive, told }) => {
    await receive("1");
    await until("the failure", async () => (await told("1")).attempts === 1);
    set(-10 * HOUR); // the wrong one, by which it was put off in the future
    await sink.received(2);
    const again = await until("the second failure", async () => {
      const one = await told("1");
      return one.attempts === 2 && one;
    });
    assert.ok(again.dueMs <= 14.4 * HOUR, `${again.dueMs}`);
    set(0);
    await until("the state to be told", async () => (await told("1")).dueMs <= 4.4 * HOUR);
  });
});

test("Deliverer measures an attempt during which the clock is set", async () => {
  const held: (() => void)[] = [];
  await withClock({}, (response) => void held.push(() => response.end("ok")), async (bench) => {
    for (const [index, byMs] of [10 * HOUR, -10 * HOUR, YEARS].entries()) {
      await bench.receive(`${index}`);
      await bench.sink.received(index + 1);
      bench.set(byMs);
      held.pop()!();
      const { durations } = await until("the delivery", async () => {
        const one = await bench.told(`${index}`);
        return one.state === "delivered" && one;
      });
      assert.ok(durations[0]! >= 0 && durations[0]! < 10_000, `${durations}`);
    }
  });
});

test("Deliverer keeps a rate, whichever way the clock is set", async () => {
  await withClock({ rate: { per: "10h", limit: 2 } }, status(200), async ({ sink, set, receive }) => {
    for (const key of ["1", "2", "3"]) await receive(key);
    await sink.received(2);
    for (const [index, byMs] of [10 * HOUR, -10 * HOUR, YEARS, 0].entries()) {
      set(byMs);
      await receive(`${byMs}`, ["a", "b"]); // `a` had its turn as well when `b` has had two
      await sink.received(3 + 2 * index);
      await receive(`${byMs} again`, ["a", "b"]);
      await sink.received(4 + 2 * index);
    }
    assert.equal(sink.requests.filter(({ path }) => path === "/a").length, 2);
  });
});

test("Deliverer holds a target for as long as that asked, and the store says so, whichever way the clock is set", async () => {
  const respond: Respond = (response) => void response.writeHead(429, { "Retry-After": "3600" }).end();
  await withClock({}, respond, async ({ sink, set, receive, store, told, clock, restart }) => {
    set(10 * HOUR);
    await receive("1");
    await until("the failure", async () => (await told("1")).attempts === 1);
    const heldMs = async () => (await store().holds()).get("a")!.throttledUntil! - clock.now();
    for (const byMs of [0, -10 * HOUR, YEARS, 0]) {
      set(byMs);
      await until("the store to say it", async () => {
        const ms = await heldMs();
        return ms > 0.9 * HOUR && ms <= HOUR + 1_000;
      });
    }
    await receive("2");
    const target = { policy: {} } as Parameters<typeof heldAt>[1];
    assert.equal(heldAt(clock.now(), target, (await store().holds()).get("a"))?.state, "throttled");
    assert.equal(sink.requests.length, 1);

    clock.byMs = -10 * HOUR; // between starts, so that nothing tells how long it is since
    await restart();
    await sink.received(2);
  });
});
