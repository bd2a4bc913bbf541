/** How fast events go on to their targets. */

import { drain, drainColumn, MANY } from "../drain.ts";
import { answersColumn, cpuColumn, floodPeer, floodRelay, sustainedColumn, used } from "../flood.ts";
import { benchFile, bun, freePort } from "../machine.ts";
import { express, type Peer, webhook } from "../peers.ts";
import { delay, run } from "../processes.ts";
import {
  copyOf,
  httpTarget,
  makePlace,
  type Place,
  seed,
  startRelay,
  storedEvents,
  waitingDeliveries,
} from "../relay.ts";
import { rows as ackRows } from "./ack.ts";
import type { Bench, Suite } from "./suite.ts";

export const rows = {
  drain: "a backlog to HTTP, 64 in flight",
  drainDefault: "a backlog to HTTP, default settings",
  slow: "500 events/s",
  fast: "80 % of what the flood sustained",
  script: "scripts (/bin/true)",
};

/** Sections. */
export const drained = "drain";
export const steadily = "accepted to arrived, steady";
export const scripted = "scripts";

export const growthColumn = "backlog grew by, of what was sent";
export const runsColumn = "runs/s";

const SLOW = 500;
const SHARE = 0.8;

export const deliver: Suite = async (bench) => {
  const { plan, results, say } = bench;
  const [events, runs] = [makePlace(), makePlace()];
  try {
    await seed(events, "pending", plan.backlog);
    await seed(runs, "pending", plan.scripts);
    const fast = SHARE * await sustained(bench);
    for (let round = 1; round <= plan.rounds; round++) {
      await bench.noteMachine();
      say(`deliver, round ${round} of ${plan.rounds}: drain`);
      results.add(drained, rows.drain, await onCopy(events, (place) => drain(place, plan.backlog, MANY)));
      await beside(bench, drained, express, drainColumn);
      results.add(drained, rows.drainDefault, await onCopy(events, (place) => drain(place, plan.backlog)));
      say(`deliver, round ${round} of ${plan.rounds}: steady`);
      await steady(bench, rows.slow, SLOW);
      await steady(bench, rows.fast, fast);
      say(`deliver, round ${round} of ${plan.rounds}: scripts`);
      results.add(scripted, rows.script, await onCopy(runs, (place) => scripts(place, plan.scripts)));
      await beside(bench, scripted, webhook, runsColumn);
    }
  } finally {
    events.remove();
    runs.remove();
  }
};

/** What the flood of this run sustained with one target. */
async function sustained(bench: Bench): Promise<number> {
  const known = bench.results.median(["ack", ackRows.one, sustainedColumn]);
  if (known !== undefined) return known;
  bench.say("deliver: a flood, since none was measured");
  return (await floodRelay(bench, { targets: 1, mode: "each", records: bench.genuine }))[sustainedColumn]!;
}

/** What another receiver does in the same round, where it is installed. */
async function beside(bench: Bench, section: string, peer: Peer, column: string): Promise<void> {
  if (!peer.isInstalled()) return;
  const flooded = await floodPeer(bench, peer);
  bench.results.add(section, peer.name, { [cpuColumn]: flooded[cpuColumn], [column]: flooded[answersColumn] });
}

/** A store is used once. */
async function onCopy<Result>(place: Place, use: (copy: Place) => Promise<Result>): Promise<Result> {
  const copy = copyOf(place);
  try {
    return await use(copy);
  } finally {
    copy.remove();
  }
}

/** What `load/steady.ts` prints. */
interface Steady {
  sent: number;
  seconds: number;
  refused: number;
  /** Not answered when the last was sent. */
  unanswered: number;
  /** Not delivered 10 s later. */
  late: number;
  backlogAtStart: number;
  backlogAtEnd: number;
  p50Ms: number;
  p99Ms: number;
}

async function steady({ plan, results, genuine }: Bench, row: string, rate: number): Promise<void> {
  const place = makePlace();
  const sinkPort = await freePort();
  const relay = await startRelay(place, { t1: httpTarget(sinkPort) });
  try {
    const numbers = [relay.port, sinkPort, Math.round(rate), plan.steadySeconds].map(String);
    const output = await run("load", [bun, benchFile("load/steady.ts"), ...numbers, genuine.path]);
    const { sent, seconds, refused, unanswered, late, backlogAtStart, backlogAtEnd, p50Ms, p99Ms } = JSON.parse(
      output,
    ) as Steady;
    if (refused > 0) throw new Error(`${row}: ${refused} of ${sent} refused`);
    results.add(steadily, row, {
      "events/s": sent / seconds,
      "p50 ms": p50Ms,
      "p99 ms": p99Ms,
      "backlog at first": backlogAtStart,
      "at the end": backlogAtEnd,
      [growthColumn]: (backlogAtEnd - backlogAtStart) / sent,
      "not answered": unanswered,
      "10 s late": late,
    });
  } finally {
    await relay.stop();
    place.remove();
  }
}

/** Runs a script for each of so many events that wait; CPU is that of the scripts, too. */
async function scripts(place: Place, count: number) {
  const relay = await startRelay(place, { t1: `script({ command: ["/bin/true"] })` });
  try {
    const first = { waiting: waitingDeliveries(place), at: performance.now(), cpu: relay.cpuSeconds() };
    while (waitingDeliveries(place) > 0) await delay(10);
    const cpu = used(first.cpu, relay.cpuSeconds());
    const runs = first.waiting / ((performance.now() - first.at) / 1000);
    if (storedEvents(place) !== count) throw new Error("scripts: events are missing");
    return { [cpuColumn]: cpu && cpu / first.waiting * 1e6, [runsColumn]: runs };
  } finally {
    await relay.stop();
  }
}
