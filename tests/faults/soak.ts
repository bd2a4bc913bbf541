/**
 * The relay under load and faults for as long as one wants; ends with 1 if anything was lost, or came twice without a
 * cause. In the first half of the time it is killed again and again, in the second it runs on, so that growth shows.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { sleep } from "../helpers/wait.ts";
import { chooseSeed, randomOf } from "./random.ts";
import { causesOf, type Scene, START_MS, startScene } from "./scene.ts";

/** What a process holds. */
interface Sample {
  memoryMb: number;
  descriptors: number;
}

interface Range {
  first: number;
  last: number;
  max: number;
}

/** Time between two kills, on average, in milliseconds. */
const KILL_EVERY_MS = 4_000;

/** Time between two samples, in milliseconds. */
const SAMPLE_EVERY_MS = 2_000;

/** Time between two lines that say how it goes, where standard output is no terminal, in milliseconds. */
const LINE_EVERY_MS = 10_000;

/** How long the last deliveries may take, in milliseconds. */
const SETTLE_MS = 60_000;

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});
const [minutes, rate] = [Number(options.minutes), Number(options.rate)];
if (!(minutes > 0 && rate > 0)) {
  process.stderr.write("Usage: deno task soak [--minutes 10] [--rate 100] [--json]; both numbers are more than 0\n");
  process.exit(2);
}

const seed = chooseSeed();
const random = randomOf(seed);
const startedAt = Date.now();
const halfAt = startedAt + minutes * 30_000;
const endAt = startedAt + minutes * 60_000;
const progress = progressLine();

const scene = await startScene(randomOf(seed + 1), { clients: 16, perSecond: rate });
try {
  let kills = 0;
  for (;;) {
    const wait = (0.5 + random()) * KILL_EVERY_MS;
    if (Date.now() + wait > halfAt) break;
    await watch(scene, Date.now() + wait, () => progress(scene, kills));
    const again = random() < 0.3;
    await scene.crash(again ? random() * START_MS : undefined);
    kills += again ? 2 : 1;
  }
  const samples = await watch(scene, endAt, () => progress(scene, kills));
  await scene.settle(SETTLE_MS);

  const { ledger } = scene;
  const causes = causesOf(ledger);
  const summary = {
    minutes,
    rate,
    seed,
    kills,
    cutByNetwork: scene.cuts(),
    acknowledged: ledger.acknowledged,
    lost: ledger.outstanding(),
    repeated: ledger.repeated(),
    repeatedAfterCrash: causes.crash,
    repeatedAfterCut: causes.network,
    repeatedForNoCause: causes.none,
    unknown: ledger.unknown,
    changedIds: ledger.changedIds,
    afterRecord: ledger.afterRecord,
    memoryMb: rangeOf(samples.map(({ memoryMb }) => memoryMb)),
    descriptors: rangeOf(samples.map(({ descriptors }) => descriptors)),
    storeMb: storeMb(scene.folder),
  };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : textOf(summary));
  process.exitCode = summary.lost + summary.unknown + summary.changedIds + summary.afterRecord + causes.none > 0
    ? 1
    : 0;
} finally {
  await scene.close();
}

/**
 * Takes samples of the relay until this time.
 * @throws {Error} if it ends.
 */
async function watch(scene: Scene, until: number, show: () => void): Promise<Sample[]> {
  const samples: Sample[] = [];
  const { child, exited, output } = scene.relay();
  let hasEnded = false;
  exited.then(() => hasEnded = true);
  while (Date.now() < until) {
    await sleep(Math.min(SAMPLE_EVERY_MS, until - Date.now()));
    if (hasEnded) throw new Error(`The relay has ended by itself: ${output().slice(-2_000)}`);
    scene.readArchive();
    samples.push(sampleOf(child.pid!));
    show();
  }
  return samples;
}

/** What a process holds, as Linux's `/proc` says it. */
function sampleOf(pid: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    memoryMb: Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

function storeMb(folder: string): number {
  const files = readdirSync(folder).filter((name) => name.startsWith("relay.db"));
  const bytes = files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  return Math.round(bytes / 2 ** 20);
}

function rangeOf(values: number[]): Range {
  return { first: values[0] ?? NaN, last: values.at(-1) ?? NaN, max: Math.max(...values) };
}

/** Writes how it goes to standard error: one line that changes on a terminal, elsewhere a line now and then. */
function progressLine(): (scene: Scene, kills: number) => void {
  let writtenAt = 0;
  return ({ ledger, relay }, kills) => {
    const { isTTY } = process.stderr;
    if (!isTTY && Date.now() - writtenAt < LINE_EVERY_MS) return;
    writtenAt = Date.now();
    const { memoryMb, descriptors } = sampleOf(relay().child.pid!);
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    const line =
      `${seconds} s: ${kills} kills, ${ledger.acknowledged} acknowledged, ${ledger.outstanding()} on their way, ` +
      `${ledger.repeated()} repeated, ${memoryMb} MB, ${descriptors} descriptors`;
    process.stderr.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
}

function textOf(summary: Record<string, number | Range>): string {
  const show = (value: number | Range) =>
    typeof value === "number" ? `${value}` : `first ${value.first}, last ${value.last}, most ${value.max}`;
  const lines = Object.entries(summary).map(([name, value]) => `${name.padEnd(20)}${show(value)}`);
  return `\n${lines.join("\n")}\n`;
}
