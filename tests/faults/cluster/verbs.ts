/** Verbs that an operator runs while a cluster is at work. */

import { sleep } from "../../helpers/wait.ts";
import { pick, type Random } from "../random.ts";
import type { Cluster } from "./cluster.ts";
import { targetsOf } from "./targets.ts";

/**
 * Runs a verb that must do what it says.
 * @throws {Error} if it does not.
 */
export async function run(cluster: Cluster, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await cluster.verb(...args);
  if (code !== 0) throw new Error(`relay ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
}

/** Pauses a target for a while. */
export async function pauseAndResume(cluster: Cluster, target: string, ms: number): Promise<void> {
  await run(cluster, "pause", target);
  const hold = cluster.hold(target);
  await sleep(ms);
  hold.to = Date.now();
  await run(cluster, "resume", target);
}

/** Routes an event again that was delivered a while ago. */
export async function replayOne(cluster: Cluster, random: Random): Promise<void> {
  const { arrivals, replays } = cluster.history;
  const { number, eventId } = pick(random, arrivals.filter(({ isTaken, target }) => isTaken && target === "worked"));
  replays.push({ number, targets: targetsOf(number), at: Date.now() });
  await run(cluster, "replay", eventId);
}
