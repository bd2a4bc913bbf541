/** Chains on the executable: targets that are told one after the other, and what the CLI, the API and the pages show of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliveryView } from "../../lib/store/views.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type Respond, type Sink, startSink, status } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const EVENT = '{"event":"note.failed","data":{"note_id":"n1"}}';

interface Bench {
  relay: RunningRelay;
  sink: Sink;
  /** Runs the executable beside the relay. */
  run: (...args: string[]) => ReturnType<typeof runRelay>;
  /** Deliveries of the only event, once they are as they should be. */
  deliveries: (...states: string[]) => Promise<DeliveryView[]>;
  /** Ends the relay by SIGKILL and starts another one in its place. */
  crash: () => Promise<void>;
}

/** Starts a relay whose targets are told one after the other, each at a path of a sink. */
async function withChain(
  answers: Record<string, Respond>,
  chain: string,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const sink = await startSink((response, request, count) => answers[request.path.slice(1)]!(response, request, count));
  const targets = Object.keys(answers).map((name) => `${name}: http({ url: "${sink.url}/${name}", retry: "none" })`);
  const parts = { targets: targets.join(", "), routes: `{ on: "**", to: ${chain} }`, more: 'locale: "en",' };
  const config = configOf({ ...parts, admin: "{ port: 0 }", port: await freePort() });
  let relay = await startRelay(config);
  const bench: Bench = {
    sink,
    get relay() {
      return relay;
    },
    run: (...args) => runRelay(args, { cwd: relay.folder }),
    deliveries: (...states) =>
      until(`deliveries to be ${states.join(", ")}`, async () => {
        const [event] = JSON.parse((await bench.run("events", "--json")).stdout);
        const found = event?.deliveries as DeliveryView[] | undefined;
        return found?.map(({ state }) => state).join() === states.join() && found;
      }),
    crash: async () => {
      const first = relay;
      await first.end("SIGKILL");
      relay = await startRelay(config, { folder: first.folder });
      relay.close = ((close) => async () => {
        await close();
        await first.close();
      })(relay.close);
    },
  };
  try {
    await work(bench);
  } finally {
    await relay.close();
    await sink.close();
  }
}

const ok = status(200);
const paths = ({ requests }: Sink) => requests.map(({ path }) => path.slice(1));

test("serve tells the next target of a chain at once when the first one is dead", async () => {
  await withChain({ a: status(400), b: ok, c: ok }, 'firstOf(["a", "b", "c"])', async ({ relay, sink, deliveries }) => {
    assert.equal((await relay.post(EVENT)).text, "OK");
    await deliveries("dead", "delivered", "skipped");
    assert.deepEqual(paths(sink), ["a", "b"]);
  });
});

test("serve tells no other target of a chain when the first one has the event", async () => {
  await withChain({ a: ok, b: ok, all: ok }, '["all", firstOf(["a", "b"])]', async ({ relay, sink, deliveries }) => {
    assert.equal((await relay.post(EVENT)).text, "OK");
    const found = await deliveries("delivered", "delivered", "skipped");
    assert.deepEqual(found.map(({ target, chain }) => [target, chain?.step, chain?.steps]), [
      ["all", undefined, undefined],
      ["a", 1, 2],
      ["b", 2, 2],
    ]);
    assert.deepEqual(paths(sink).toSorted(), ["a", "all"]);
  });
});

test("serve goes on with a chain after `kill -9`, when the first target's time is up", async () => {
  const never: Respond = () => {};
  await withChain({ a: never, b: ok }, 'firstOf(["a", "b"], { within: "3s" })', async (bench) => {
    assert.equal((await bench.relay.post(EVENT)).text, "OK");
    const [first] = await bench.sink.received(1);
    await bench.crash();
    const told = await until("b to be told", () => bench.sink.requests.find(({ path }) => path === "/b"));
    const waitedMs = told.at - first!.at;
    assert.ok(waitedMs > 2_500, `b was told after ${waitedMs} ms`);
    await bench.deliveries("skipped", "delivered");
  });
});

test("events, send, routes, check, the API and the pages show a chain and its steps", async () => {
  const says = "a, then b (each after 10 min, until delivered)";
  await withChain({ a: ok, b: ok }, 'firstOf(["a", "b"])', async ({ relay, run, deliveries }) => {
    assert.equal((await run("pause", "a")).code, 0);
    assert.match(
      (await run("send", "note.failed")).stdout,
      /goes to a, then b \(each after 10 min, until delivered\)\n$/,
    );
    const [one, two] = await deliveries("pending", "pending");
    const { id, ...chain } = two!.chain!;
    assert.equal(id, one!.chain!.id);
    assert.deepEqual(chain, { step: 2, steps: 2, withinMs: 600_000, until: "delivered", isWaiting: true });
    const beginsInMs = Date.parse(two!.nextAttemptAt!) - Date.now();
    assert.ok(beginsInMs > 500_000 && beginsInMs <= 600_000, `${beginsInMs}`);

    const waiting = (await run("events", two!.id)).stdout;
    assert.match(waiting, /This step begins .*, unless an earlier one is enough by then\./s);
    assert.match(waiting, /step 2 of 2/);
    assert.ok(waiting.includes(says), waiting);

    const kept = await run("retry", JSON.parse((await run("events", "--json")).stdout)[0].id);
    assert.match(kept.stdout, /Left alone: b .* is waiting/);
    await deliveries("pending", "pending");

    assert.equal((await run("resume", "a")).code, 0);
    await deliveries("delivered", "skipped");
    const told = (await run("events", two!.id)).stdout;
    assert.match(told, /Delivery to b: not needed, because another step was enough\./);
    assert.match((await run("events", "--state", "skipped")).stdout, /✓ a[^]*- b/);
    assert.match((await run("retry", two!.id)).stdout, /b .* was not needed/);

    assert.ok((await run("routes", "note.failed")).stdout.includes(says));
    assert.ok((await run("check")).stdout.includes(`→ ${says}`));

    const admin = await relay.adminUrl();
    const { deliveries: listed } = await (await fetch(`${admin}/api/deliveries?state=skipped`)).json();
    assert.deepEqual(listed.map(({ target, chain }: DeliveryView) => [target, chain!.step, chain!.isWaiting]), [
      ["b", 2, false],
    ]);
    const page = await (await fetch(`${admin}/events/${two!.id}`)).text();
    assert.match(page, /Not needed, because another step was enough\./);
    assert.match(page, /step 2 of 2/);
    assert.ok(page.includes(says));
  });
});

test("retry of a step that waits tells that target now", async () => {
  await withChain({ a: ok, b: ok }, 'firstOf(["a", "b"])', async ({ run, sink, deliveries }) => {
    await run("pause", "a");
    await run("send", "note.failed");
    const [, two] = await deliveries("pending", "pending");
    assert.match((await run("retry", two!.id)).stdout, /^Retrying 1 delivery: b/);
    await deliveries("skipped", "delivered");
    assert.deepEqual(paths(sink), ["b"]);
  });
});

test("send --wait ends once the first target of a chain has the event", async () => {
  await withChain({ a: ok, b: ok }, 'firstOf(["a", "b"])', async ({ run }) => {
    const { code, stdout } = await run("send", "note.failed", "--wait");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^a: attempt 1 delivered in/m);
  });
});
