/** What operators do, which costs nothing: verbs, a rolling restart. */

import { sleep, until } from "../../../helpers/wait.ts";
import type { Version } from "../config.ts";
import type { FaultKind, FaultScene } from "./kind.ts";
import { outstanding } from "../judge/mod.ts";
import { isFor, LATER, targets } from "../targets.ts";
import { pauseAndResume, replayOne, run } from "../verbs.ts";
import { restart } from "./restart.ts";

/** Events in one burst whose notes are needed: more than the API gives within a minute. */
const BURST = 130;

export const operatorFaults = {
  /** Nothing is done but what operators do: what fails here needs no fault. */
  async calm({ cluster, random, tell }) {
    tell("a pause, a replay, and deliveries that are refused and retried");
    const refused = new Set<string>();
    cluster.sink.answer("worked", ({ deliveryId }) => {
      if (refused.size >= 10 || refused.has(deliveryId)) return undefined;
      refused.add(deliveryId);
      return 400;
    });
    await until("deliveries to be refused", () => refused.size >= 10, 60_000);
    cluster.sink.answer("worked", undefined);
    await pauseAndResume(cluster, "worked", 4_000);
    for (let count = 0; count < 3; count++) await replayOne(cluster, random);
    await run(cluster, "retry", "--dead", "--target", "worked");
  },

  /** More notes are needed at once than the API gives within a minute. */
  async notes({ cluster, tell }) {
    tell(`${BURST} events at once need their notes`);
    await cluster.load.burst(BURST, (number) => isFor(number, targets.noted));
    await sleep(70_000);
  },

  /** All are restarted one after the other with another config, and then with the usual one. */
  async rolling(scene) {
    const { cluster, tell } = scene;
    tell("all are restarted with a config that has another target");
    cluster.reach = "may";
    await restartAll(scene, "later");
    cluster.reach = "must";
    await sleep(5_000);
    tell("all are restarted with the usual config");
    cluster.reach = "may";
    await until(
      "what must reach it",
      () => !outstanding(cluster.history).some(({ target }) => target === LATER),
      60_000,
    );
    await restartAll(scene, "usual");
    cluster.reach = "none";
  },
} satisfies Record<string, FaultKind>;

async function restartAll({ cluster }: FaultScene, config: Version): Promise<void> {
  for (const relay of cluster.relays) await restart(cluster, relay, config);
}
