/** Delivering: when the store is asked for what is due, what is started, and what is left as it is when the relay stops. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import { parseId } from "../../lib/id.ts";
import { systemEvent } from "../../lib/system_event.ts";
import { type DeliverConfig, Deliverer } from "../../lib/pipeline/deliver.ts";
import type { Store } from "../../lib/store/mod.ts";
import { redactor } from "../../lib/secret.ts";
import { openSqlite } from "../../lib/store/sqlite.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type Respond, type Sink, startSink, status } from "../helpers/sink.ts";
import { makeTarget } from "../helpers/target.ts";
import { sleep, until } from "../helpers/wait.ts";
import { attemptsOf, claimAll, eventOf, newEvent } from "../store/samples.ts";

interface Bench {
  store: Store;
  deliverer: Deliverer;
  sink: Sink;
  config: DeliverConfig;
  /** How often the store was asked what is due. */
  looks(): number;
  /** Keeps the store from writing until it is called. */
  lock(): () => void;
  /** State of the event's only delivery. */
  stateOf(key: string): Promise<string>;
}

/** Runs a deliverer, not woken yet, whose targets have these options and answer as `respond` says. */
async function withDeliverer(
  options: Record<string, Record<string, unknown>>,
  respond: Respond,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  const path = join(folder.path, "relay.db");
  const store = openSqlite(path);
  const other = new DatabaseSync(path);
  const sink = await startSink(respond);
  const targets = Object.entries(options).map(([name, own]) => {
    const target = makeTarget(httpTarget, { url: `${sink.url}/${name}`, ...own });
    return [name, { ...target, name }] as const;
  });
  const config: DeliverConfig = {
    sources: [],
    targets: new Map(targets),
    routes: [],
    retry: { scheduleMs: [10], jitter: 0 },
    redact: redactor([]),
  };
  let looks = 0;
  const [claim, nextDue] = [store.claim.bind(store), store.nextDue.bind(store)];
  store.claim = (...args) => {
    looks++;
    return claim(...args);
  };
  store.nextDue = (target) => {
    looks++;
    return nextDue(target);
  };
  const deliverer = new Deliverer(store, config, new Map());
  try {
    await work({
      store,
      deliverer,
      sink,
      config,
      looks: () => looks,
      lock() {
        other.exec("BEGIN IMMEDIATE");
        return () => other.exec("ROLLBACK");
      },
      stateOf: async (key) => (await eventOf(store, newEvent(key).id))!.deliveries[0]!.state,
    });
  } finally {
    await deliverer.stop(0);
    await sink.close();
    other.close();
    await store.close();
    folder.remove();
  }
}

const pathsOf = (sink: Sink) => sink.requests.map(({ path }) => path);

test("Deliverer looks once for many calls that come together", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, looks, stateOf }) => {
    await store.accept([newEvent("1")]);
    for (let call = 0; call < 100; call++) deliverer.wake();
    await until("the delivery", async () => await stateOf("1") === "delivered");
    assert.ok(looks() <= 6, `${looks()} looks`);
  });
});

/** The API's limit is used up, so that whoever needs a note waits; gives events that need one. */
async function withoutNotes({ store, deliverer, config }: Bench) {
  const account = "clinic";
  const enrich = { url: "http://127.0.0.1:1", key: "k", isOptional: false, account };
  const now = Date.now();
  await Promise.all(Array.from({ length: 100 }, () => store.notes.request(account, now, 0)));
  await deliverer.use({ ...config, routes: [{ on: ["note.completed"], to: ["a"], message: { body: {} }, enrich }] });
  return (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const body = Buffer.from(JSON.stringify({ event: "note.completed", data: { note_id: `n-${index}` } }));
      return { ...newEvent(`waits-${index}`), type: "note.completed", body };
    });
}

test("Deliverer comes in few looks to what is ready behind many that wait for their notes", async () => {
  await withDeliverer({ a: { concurrency: 1 } }, status(200), async (bench) => {
    const { store, deliverer, sink, looks } = bench;
    const waiting = await withoutNotes(bench);
    await store.accept(waiting(500));
    await store.accept([newEvent("ready-1"), newEvent("ready-2")]);
    deliverer.wake();
    await sink.received(2);
    assert.ok(looks() < 100, `${looks()} looks`);
  });
});

test("Deliverer starts no more than have room of what is ready behind others, and leaves the rest as it was", async () => {
  const held: (() => void)[] = [];
  const hold: Respond = (response) => void held.push(() => response.end("ok"));
  await withDeliverer({ a: { concurrency: 1 } }, hold, async (bench) => {
    const { store, deliverer, sink, stateOf } = bench;
    const waiting = await withoutNotes(bench);
    const ready = ["1", "2", "3"].map((key) => newEvent(`ready-${key}`));
    await store.accept([...waiting(10), ...ready]);
    deliverer.wake();
    for (const index of ready.keys()) {
      await sink.received(index + 1);
      for (const { id } of ready.slice(index + 1)) {
        const { receivedAt, deliveries } = await until("the rest to wait", async () => {
          const event = (await eventOf(store, id))!;
          return event.deliveries[0]!.state === "pending" && event;
        });
        assert.equal(deliveries[0]!.nextAttemptAt, receivedAt);
      }
      assert.equal(sink.requests.length, index + 1);
      held[index]!();
    }
    await until("the last one", async () => await stateOf("ready-3") === "delivered");
  });
});

test("Deliverer asks no route about an event of relay's own", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, sink, config }) => {
    const asked: unknown[] = [];
    const when = (event: unknown) => asked.push(event);
    await deliverer.use({
      ...config,
      routes: [{ on: ["**"], to: ["a"], when, message: { body: { of: "the route" } } }],
    });
    await store.accept([systemEvent("relay.test", "a", { target: "a" }, Date.now()), newEvent("1")]);
    deliverer.wake();
    const bodies = (await sink.received(2)).map(({ body }) => JSON.parse(body.toString()));
    assert.deepEqual(asked.map((event) => (event as { event: string }).event), ["note.failed"]);
    assert.deepEqual(bodies.map(({ event, of }) => event ?? of).sort(), ["relay.test", "the route"]);
  });
});

test("Deliverer sleeps until something is due, be it months away", async () => {
  await withDeliverer({ a: {}, b: {} }, status(200), async ({ store, deliverer, sink, looks }) => {
    const now = Date.now();
    await store.accept([newEvent("soon"), newEvent("later", ["a", "b"])]);
    for (const { ref } of [...await claimAll(store), ...await claimAll(store, "b")]) {
      await store.release([ref], now + (ref.event === 1 ? 200 : 60 * 86_400_000), now);
    }
    deliverer.wake();
    const [first] = await sink.received(1);
    assert.ok(first!.at >= now + 200);
    await sleep(100);
    assert.deepEqual(pathsOf(sink), ["/a"]);
    assert.ok(looks() <= 15, `${looks()} looks`);
  });
});

test("Deliverer keeps the rate where the store was slow to give what is due", async () => {
  const rate = { per: 1_000, limit: 1 };
  await withDeliverer({ a: { rate } }, status(200), async ({ store, deliverer, sink, lock, stateOf }) => {
    await store.accept([newEvent("1"), newEvent("2")]);
    const unlock = lock();
    deliverer.wake();
    await sleep(700);
    unlock();
    await sink.received(2);
    for (const key of ["1", "2"]) await until("the record", async () => await stateOf(key) === "delivered");
    const stories = await Promise.all(["1", "2"].map((key) => store.story(newEvent(key).id)));
    const [first, second] = stories.map((story) => Date.parse(story!.deliveries[0]!.history[0]!.startedAt));
    assert.ok(second! - first! >= 900, `${second! - first!} ms`);
  });
});

test("Deliverer sleeps while a target is held, however much is due for it", async () => {
  const circuit = { failures: 1, pause: 400 };
  const slow: Respond = (response) => void setTimeout(() => response.writeHead(500).end(), 200);
  await withDeliverer({ a: { circuit, concurrency: 1 } }, slow, async ({ store, deliverer, sink, looks }) => {
    await store.accept([newEvent("1"), newEvent("2")]);
    deliverer.wake();
    const isHeld = async () => (await store.targets())[0]!.circuitOpenUntil;
    const openUntil = await until("the target to be held", isHeld);
    const [first, probe] = await sink.received(2);
    assert.ok(looks() <= 10, `${looks()} looks`);
    assert.ok(probe!.at >= Date.parse(openUntil));
    assert.ok(probe!.at - first!.at >= 550, "the pause begins when the attempt has ended");
  });
});

test("Deliverer pauses before the next attempt from the end of the one that failed", async () => {
  const slow: Respond = (response) => void setTimeout(() => response.writeHead(500).end(), 300);
  await withDeliverer({ a: { retry: { schedule: [200], jitter: 0 } } }, slow, async ({ store, deliverer, sink }) => {
    await store.accept([newEvent("1")]);
    deliverer.wake();
    const [first, second] = await sink.received(2);
    assert.ok(second!.at - first!.at >= 450, `${second!.at - first!.at} ms`);
  });
});

test("Deliverer delivers at once what waits for a target that another config names", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, sink, config }) => {
    await store.accept([newEvent("1")]);
    await deliverer.use({ ...config, targets: new Map() });
    await sleep(50);
    assert.equal(sink.requests.length, 0);
    await deliverer.use(config);
    await sink.received(1);
  });
});

test("Deliverer looks again by itself after the store did not answer", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, sink }) => {
    await store.accept([newEvent("1")]);
    const { claim } = store;
    store.claim = () => {
      store.claim = claim;
      return Promise.reject(new StoreError("Cannot claim deliveries: database is locked"));
    };
    deliverer.wake();
    await sink.received(1);
  });
});

test("Deliverer keeps a target's concurrency when it is woken while the store is locked", async () => {
  await withDeliverer({ a: { concurrency: 1 } }, () => {}, async ({ store, deliverer, sink, lock }) => {
    await store.accept([newEvent("1"), newEvent("2")]);
    const unlock = lock();
    for (let call = 0; call < 3; call++) {
      deliverer.wake();
      await sleep(10);
    }
    unlock();
    await sink.received(1);
    await sleep(100);
    assert.equal(sink.requests.length, 1);
  });
});

test("Deliverer starts nothing once it stops, woken just before or not", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, looks, stateOf }) => {
    await store.accept([newEvent("1")]);
    deliverer.wake();
    await deliverer.stop(0);
    deliverer.wake();
    await sleep(50);
    assert.deepEqual([looks(), await stateOf("1")], [0, "pending"]);
  });
});

test("Deliverer gives back what it was being handed when it stopped", async () => {
  await withDeliverer({ a: {} }, () => {}, async ({ store, deliverer, lock, looks, stateOf }) => {
    await store.accept([newEvent("1")]);
    const unlock = lock();
    deliverer.wake();
    await until("a look", () => looks() > 0);
    setTimeout(unlock, 100);
    await deliverer.stop(0);
    await sleep(200);
    assert.equal(await stateOf("1"), "pending");
  });
});

test("Deliverer stops although the store does not take what was delivered", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, stateOf }) => {
    const { record } = store;
    let refused = 0;
    store.record = () => {
      refused++;
      return Promise.reject(new StoreError("Cannot record attempts: database or disk is full"));
    };
    try {
      await store.accept([newEvent("1")]);
      deliverer.wake();
      await until("a record that is refused", () => refused > 0);
      assert.equal(await Promise.race([deliverer.stop(0), sleep(5_000).then(() => "it hangs")]), undefined);
      assert.equal(await stateOf("1"), "in_flight", "it is taken over at the next start");
    } finally {
      store.record = record;
    }
  });
});

test("Deliverer masks the secrets of the config under which an attempt began", async () => {
  let answer = () => {};
  const hold: Respond = (response) => void (answer = () => response.writeHead(400).end("no: old secret"));
  await withDeliverer({ a: {} }, hold, async ({ store, deliverer, sink, config, stateOf }) => {
    const own = { ...config, redact: redactor(["old secret"]) };
    await deliverer.use(own);
    await store.accept([newEvent("1")]);
    deliverer.wake();
    await sink.received(1);
    const used = deliverer.use(config);
    answer();
    await used;
    assert.equal(await stateOf("1"), "dead");
    const { deliveries } = (await eventOf(store, newEvent("1").id))!;
    const [attempt] = await attemptsOf(store, parseId(deliveries[0]!.id)!);
    assert.equal(attempt!.answer, "no: [secret]");
  });
});

test("Deliverer.use() waits for a claim that waits for the store, whose targets are still needed", async () => {
  await withDeliverer({ a: {} }, status(200), async ({ store, deliverer, sink, config, lock }) => {
    await store.accept([newEvent("1")]);
    const unlock = lock();
    deliverer.wake();
    await sleep(50);
    let isDone = false;
    const used = deliverer.use({ ...config }).then(() => isDone = true);
    await sleep(100);
    assert.equal(isDone, false);
    unlock();
    await used;
    assert.deepEqual(pathsOf(sink), ["/a"]);
  });
});

test("Deliverer.use() forgets of a target that is another one now what attempts said of it", async () => {
  const respond: Respond = (response, { path }) => {
    if (path === "/other") response.end();
    else response.writeHead(429, { "Retry-After": "3600" }).end();
  };
  await withDeliverer({ a: {} }, respond, async ({ store, deliverer, sink, config, stateOf }) => {
    await store.accept([newEvent("1")]);
    deliverer.wake();
    const { id } = newEvent("1");
    await until("the record", async () => (await eventOf(store, id))!.deliveries[0]!.attempts === 1);
    await store.accept([newEvent("2")]);
    await deliverer.use({ ...config });
    await sleep(100);
    assert.equal(sink.requests.length, 1, "the same target goes on waiting");
    // On the same host, which is all that its address shows.
    const a = { ...makeTarget(httpTarget, { url: `${sink.url}/other` }), name: "a" };
    await deliverer.use({ ...config, targets: new Map([["a", a]]) });
    await until("the record", async () => await stateOf("2") === "delivered");
  });
});
