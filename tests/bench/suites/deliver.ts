/** How fast events go on to their targets. */

import { load } from "../load.ts";
import { benchFile, bun, freePort } from "../machine.ts";
import { webhook, withPeer } from "../peers.ts";
import { delay, run } from "../processes.ts";
import {
  httpTarget,
  makePlace,
  type Place,
  seed,
  type Sink,
  startRelay,
  startSink,
  storedEvents,
  waitingDeliveries,
} from "../relay.ts";
import type { Bench, Suite } from "./suite.ts";

/** In flight at a time where a drain's best rate is asked for. */
const MANY = 64;

/** A target's own default. */
const DEFAULT = 8;

export const rows = {
  drain: "a backlog to HTTP, 64 in flight",
  drainDefault: "a backlog to HTTP, 8 in flight (default)",
  slow: "500 events/s",
  fast: "5,000 events/s, 64 in flight",
  script: "scripts (/bin/true)",
};

export const deliver: Suite = async (bench) => {
  const { plan, say } = bench;
  for (let round = 1; round <= plan.rounds; round++) {
    await bench.noteMachine();
    say(`deliver, round ${round} of ${plan.rounds}: drain`);
    await drain(bench, rows.drain, MANY);
    await drain(bench, rows.drainDefault, DEFAULT);
    say(`deliver, round ${round} of ${plan.rounds}: steady`);
    await steady(bench, rows.slow, 500);
    await steady(bench, rows.fast, 5_000, 64);
    say(`deliver, round ${round} of ${plan.rounds}: scripts`);
    await scripts(bench);
  }
};

async function drain({ plan, results }: Bench, row: string, concurrency: number): Promise<void> {
  const place = makePlace();
  try {
    await seed(place, "pending", plan.backlog);
    results.add("drain", row, { "deliveries/s": await drainRate(place, plan.backlog, concurrency) });
  } finally {
    place.remove();
  }
}

/** Starts a relay with so much to deliver, and gives how many deliveries a second arrive. */
export async function drainRate(place: Place, backlog: number, concurrency = MANY): Promise<number> {
  const sink = await startSink();
  const relay = await startRelay(place, { t1: httpTarget(sink.port, concurrency) });
  try {
    return await arrivalRate(sink, backlog);
  } finally {
    await relay.stop();
    await sink.stop();
  }
}

/** From the first tenth, when all is warm, to the ninth: the last few may wait for a retry. Gives up after a while. */
async function arrivalRate(sink: Sink, backlog: number): Promise<number> {
  const giveUpAt = performance.now() + 20_000;
  const arrived = async (wanted: number) => {
    let count = await sink.count();
    while (count < wanted && performance.now() < giveUpAt) {
      await delay(20);
      count = await sink.count();
    }
    return { count, at: performance.now() };
  };
  const first = await arrived(backlog * 0.1);
  const last = await arrived(backlog * 0.9);
  return (last.count - first.count) / ((last.at - first.at) / 1000);
}

interface Steady {
  sent: number;
  refused: number;
  deliveries: number;
  unanswered: number;
  backlogAtStart: number;
  backlogAtEnd: number;
  p50Ms: number;
  p99Ms: number;
}

async function steady({ plan, results }: Bench, row: string, rate: number, concurrency?: number): Promise<void> {
  const place = makePlace();
  const sinkPort = await freePort();
  const relay = await startRelay(place, { t1: httpTarget(sinkPort, concurrency) });
  try {
    const numbers = [relay.port, sinkPort, rate, plan.steadySeconds].map(String);
    const output = await run("load", [bun, benchFile("load/steady.ts"), ...numbers]);
    const { sent, refused, p50Ms, p99Ms, backlogAtStart, backlogAtEnd, unanswered } = JSON.parse(output) as Steady;
    if (refused > 0) throw new Error(`${row}: ${refused} of ${sent} refused`);
    results.add("accepted to arrived, steady", row, {
      "p50 ms": p50Ms,
      "p99 ms": p99Ms,
      "backlog at first": backlogAtStart,
      "at the end": backlogAtEnd,
      "not answered": unanswered,
    });
  } finally {
    await relay.stop();
    place.remove();
  }
}

async function scripts({ plan, results, genuine }: Bench): Promise<void> {
  const place = makePlace();
  try {
    await seed(place, "pending", plan.scripts);
    const relay = await startRelay(place, { t1: `script({ command: ["/bin/true"] })` });
    try {
      const first = { waiting: waitingDeliveries(place), at: performance.now() };
      while (waitingDeliveries(place) > 0) await delay(20);
      const perSecond = first.waiting / ((performance.now() - first.at) / 1000);
      results.add("scripts", rows.script, { "runs/s": perSecond });
    } finally {
      await relay.stop();
    }
    if (storedEvents(place) !== plan.scripts) throw new Error("scripts: events are missing");
  } finally {
    place.remove();
  }
  if (!webhook.isInstalled()) return;
  await withPeer(webhook, async (port) => {
    await load({ port, records: genuine, seconds: plan.warmUpSeconds, mode: "wrap" });
    const { answers, seconds } = await load({ port, records: genuine, seconds: plan.seconds, mode: "wrap" });
    results.add("scripts", webhook.name, { "runs/s": answers / seconds });
  });
}
