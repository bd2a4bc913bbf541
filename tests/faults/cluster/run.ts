/** A run: a cluster under load, one fault after the other, and the judge's word on each and on the whole. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep, until } from "../../helpers/wait.ts";
import { randomOf } from "../random.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import type { ClusterRelay } from "./cluster_relay.ts";
import { faults, type FaultScene, versionFaults, withVerbs } from "./faults/mod.ts";
import { type Finding, type History, judge, outstanding, type Rules, takeovers } from "./judge/mod.ts";
import { measure, type Measures, watchLateness } from "./measure.ts";
import { scriptOf, type Step } from "./script.ts";
import { rules } from "./targets.ts";
import { pauseAndResume, replayOne } from "./verbs.ts";

/** What came of one fault. */
export interface Phase extends Step, Measures {
  /** The relay that was struck, if it was one alone. */
  relay: string;
  /** What was done. */
  told: string[];
  /** From when to when, in seconds from the beginning of the run. */
  from: number;
  to: number;
  /** The latest that a timer of the test itself was, in milliseconds: so busy was this machine. */
  latestMs: number;
  findings: string[];
}

export interface Summary {
  seed: number;
  seconds: number;
  acknowledged: number;
  delivered: number;
  repeated: number;
  /** Calls of the notes API. */
  calls: number;
  phases: Phase[];
  /** Everything that was wrong; those of no phase are of the beginning or the end. */
  findings: string[];
}

export interface RunOptions {
  seed: number;
  /** Names of the faults that are wanted. Default: all. */
  only?: readonly string[];
  perSecond?: number;
  /** @see ClusterOptions.size */
  size?: number;
  /** @see Rules.slackMs */
  slackMs?: number;
  /** Where the relays' output is written, and the history. */
  logs?: string;
  /** Gets a line now and then. */
  progress(line: string): void;
}

/** How long a cluster may take to be whole again after a fault, in milliseconds. */
const RECOVER_MS = 180_000;

/** How long it runs before the first fault and after the last, so that what is wrong without one shows. */
const QUIET_MS = 5_000;

/** Time between two looks at what is outstanding, in milliseconds. */
const LOOK_EVERY_MS = 500;

/** So much of what was before a fault is looked at as well, right after it, in milliseconds. */
const CONTEXT_MS = 60_000;

/** What only a look at everything tells, which would hold up the sink while there is load. */
const WHOLE = ["lost", "unknown", "ids"];

/** Runs it all. */
export async function runCluster({ seed, only, slackMs, logs, progress, ...options }: RunOptions): Promise<Summary> {
  const script = scriptOf(seed, only);
  const withNewer = script.some(({ fault }) => fault in versionFaults);
  const cluster = await startCluster({ ...options, random: randomOf(seed), logs, withNewer });
  const startedAt = Date.now();
  const lateness = watchLateness();
  const say = (line: string) => progress(`${Math.round((Date.now() - startedAt) / 1_000)} s: ${line}`);
  if (cluster.newer) say(`a newer version was made in ${cluster.newer.madeInMs} ms before this`);
  const trouble: Finding[] = [];
  const judgeAll = (since?: number) => judged(cluster, trouble, { ...rules, slackMs }, since);
  const phases: { phase: Phase; from: number; to: number }[] = [];
  try {
    let doneUntil = await recover(cluster, 0);
    await sleep(QUIET_MS);
    for (const step of script) {
      const from = Date.now();
      const relay = ownerOf(cluster, step.lane);
      const told: string[] = [];
      const tell = (what: string) => {
        told.push(what);
        say(`${step.fault}: ${what}`);
      };
      const note = (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        trouble.push({ rule: "trouble", at: Date.now(), text });
        say(`${step.fault}: ${text}`);
      };
      await strike({ cluster, relay, tell }, step).catch(note);
      await mend(cluster).then(() => worked(cluster, from)).catch(note);
      await recover(cluster, doneUntil).then((at) => doneUntil = at, note);
      const to = Date.now();
      const phase: Phase = {
        ...step,
        relay: relay.name,
        told,
        from: Math.round((from - startedAt) / 1_000),
        to: Math.round((to - startedAt) / 1_000),
        ...measure(cluster.history, from, to),
        latestMs: lateness.take(),
        findings: [],
      };
      phases.push({ phase, from, to });
      const isVain = cluster.history.faults.some((fault) => fault.takeover && fault.from >= from) &&
        phase.lanesTaken === 0;
      if (isVain) trouble.push({ rule: "trouble", at: to, text: `${step.fault} struck no lane` });
      const found = judgeAll(from - CONTEXT_MS)
        .filter(({ rule, at }) => !WHOLE.includes(rule) && at >= from && at <= to);
      say(
        `${step.fault}: ${phase.lanesTaken} lanes taken within ${phase.longestMs} ms, ${phase.repeated} repeated, ` +
          `a timer was ${phase.latestMs} ms late` +
          (found.length === 0 ? "" : `, wrong: ${found.map(textOf).slice(0, 5).join("; ")}`),
      );
    }
    await sleep(QUIET_MS);
    await cluster.load.stop(RECOVER_MS);
    await delivered(cluster, doneUntil).catch(() => {}); // the judge says what is missing
    await sleep(1_000); // for repeats that no longer should come
    const findings = judgeAll();
    for (const { phase, from, to } of phases) {
      const own = findings.filter(({ at }) => at >= from && at <= to).map(textOf);
      Object.assign(phase, measure(cluster.history, from, to), { findings: own }); // some lanes went on after its end
    }
    const { posted, arrivals, calls } = cluster.history;
    return {
      seed,
      seconds: Math.round((Date.now() - startedAt) / 1_000),
      acknowledged: posted.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length,
      delivered: arrivals.filter(({ isTaken }) => isTaken).length,
      repeated: measure(cluster.history, startedAt, Infinity).repeated,
      calls: calls.length,
      phases: phases.map(({ phase }) => phase),
      findings: findings.map(textOf),
    };
  } finally {
    lateness.close();
    if (logs !== undefined) writeFileSync(join(logs, "history.json"), JSON.stringify(cluster.history));
    await cluster.close();
  }
}

/** The relay that delivers to a target now. */
function ownerOf({ history, relays }: Cluster, lane: string): ClusterRelay {
  const last = history.arrivals.findLast(({ target }) => target === lane);
  return relays.find(({ name }) => name === last?.relay) ?? relays[0]!;
}

/** Does what a step says, and perhaps what operators do meanwhile. */
async function strike(scene: Omit<FaultScene, "random">, step: Step): Promise<void> {
  const random = randomOf(step.seed);
  const { cluster, tell } = scene;
  const verbs = async () => {
    if (!withVerbs.includes(step.fault) || random() < 0.5) return;
    const [delayMs, holdMs] = [random() * 5_000, 1_000 + random() * 4_000];
    await sleep(delayMs);
    tell(`meanwhile a target is paused for ${Math.round(holdMs)} ms, and an event is replayed`);
    await pauseAndResume(cluster, "worked", holdMs);
    await replayOne(cluster, random);
  };
  const operators = verbs();
  operators.catch(() => {});
  await faults[step.fault]!({ ...scene, random });
  await operators;
}

/** Undoes whatever a fault that failed has left. */
async function mend({ relays, history }: Cluster): Promise<void> {
  for (const fault of history.faults) fault.to = Math.min(fault.to, Date.now());
  for (const relay of relays) {
    relay.proxy.thaw();
    relay.proxy.refuse(false);
    relay.proxy.delay(0);
    if (!relay.running) await relay.start();
  }
}

/** Waits until the lanes that were struck since then are worked again: else the next fault would strike none. */
async function worked({ history }: Cluster, from: number): Promise<void> {
  const areWorked = async () => {
    await sleep(LOOK_EVERY_MS);
    const { faults, ...others } = recent(history, from - CONTEXT_MS);
    const struck = faults.filter((fault) => fault.from >= from);
    return takeovers({ ...others, faults: struck }, rules).every(({ next }) => next);
  };
  await until("the lanes that were struck to be worked again", areWorked, RECOVER_MS);
}

/** Waits until all relays are ready, and what was acknowledged by now is delivered. Gives that time. */
async function recover(cluster: Cluster, doneUntil: number): Promise<number> {
  const { balancer, relays } = cluster;
  await until("all relays to be ready", () => balancer.ready().length === relays.length, RECOVER_MS);
  return await delivered(cluster, doneUntil);
}

/**
 * Waits until what was acknowledged by now is delivered. Gives that time.
 * @param doneUntil What was acknowledged before this was delivered before.
 */
async function delivered({ history }: Cluster, doneUntil: number): Promise<number> {
  const now = Date.now();
  const isDone = async () => {
    await sleep(LOOK_EVERY_MS);
    return !outstanding(recent(history, doneUntil)).some(({ at }) => at < now);
  };
  await until("what was acknowledged to be delivered", isDone, RECOVER_MS);
  return now;
}

/** What was sent and not acknowledged before a time, and what came since the first of that was sent. */
function recent(history: History, since: number): History {
  const posted = history.posted.filter(({ acknowledgedAt = Infinity }) => acknowledgedAt >= since);
  const from = posted[0]?.sentAt ?? since;
  const { faults, holds, replays, calls } = history;
  return {
    posted,
    arrivals: history.arrivals.filter(({ startedAt }) => startedAt >= from),
    faults,
    holds,
    replays,
    calls,
  };
}

/**
 * What the judge finds, and what else went wrong.
 * @param since Does not look at what was before. Default: at everything.
 */
function judged(
  { history, load, died }: Cluster,
  trouble: readonly Finding[],
  by: Rules,
  since = -Infinity,
): Finding[] {
  return [
    ...judge(recent(history, since), by, Date.now()),
    ...load.refused.map(({ number, status, at }): Finding => ({
      rule: "refused",
      at,
      text: `event ${number} was refused with ${status}`,
    })),
    ...died.map(({ relay, at, output }): Finding => ({
      rule: "died",
      at,
      text: `${relay} ended by itself: ${output}`,
    })),
    ...trouble,
  ];
}

function textOf({ rule, text }: Finding): string {
  return `${rule}: ${text}`;
}
