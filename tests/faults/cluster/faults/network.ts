/** A network between one relay and the database that breaks. */

import { sleep } from "../../../helpers/wait.ts";
import { pick } from "../../random.ts";
import type { Way } from "../database_proxy.ts";
import type { FaultKind, FaultScene } from "./kind.ts";
import { OTHER_MS } from "./limits.ts";

/** How long a relay may take to find that a connection is dead whose answer was lost, in milliseconds. */
const LOST_MS = 20_000;

/** Within how long a relay commits something, in milliseconds. */
const COMMIT_MS = 30_000;

export const networkFaults = {
  "freeze-20": (scene) => freeze(scene, 20_000, ["both"]),
  "freeze-60": (scene) => freeze(scene, 60_000, ["both"]),
  "freeze-one-way-20": (scene) => freeze(scene, 20_000, ["to", "from"]),
  "freeze-one-way-60": (scene) => freeze(scene, 60_000, ["to", "from"]),

  /** Every connection is reset, and perhaps no new one is to be had for a while. */
  async cut({ cluster, relay, random, tell }) {
    const refuseMs = pick(random, [0, 5_000, 20_000]);
    tell(`${relay.name}'s connections are reset, and none is to be had for ${refuseMs} ms`);
    const fault = cluster.fault("a cut network", [relay]);
    fault.takeover = { from: fault.from, withinMs: OTHER_MS };
    relay.proxy.refuse(true);
    relay.proxy.cut();
    await sleep(refuseMs);
    fault.to = Date.now();
    relay.proxy.refuse(false);
  },

  /** Everything takes longer. */
  async slow({ cluster, relay, random, tell }) {
    const delayMs = 50 + Math.floor(random() * 200);
    tell(`${relay.name}'s network takes ${delayMs} ms more each way`);
    const fault = cluster.fault("a slow network", [relay], { isClean: true, delayMs });
    relay.proxy.delay(delayMs);
    await sleep(15_000);
    fault.to = Date.now();
    relay.proxy.delay(0);
  },

  /** The database commits, and the relay does not hear of it. */
  async swallow({ cluster, relay, random, tell }) {
    for (const loss of ["cut", "freeze"] as const) {
      const n = 1 + Math.floor(random() * 20);
      tell(`${relay.name} does not hear of commit ${n} from now: ${loss}`);
      const fault = cluster.fault(`a lost answer (${loss})`, [relay]);
      await Promise.race([relay.proxy.swallow(n, loss), inVain(COMMIT_MS)]);
      const from = Date.now();
      fault.takeover = { from, withinMs: OTHER_MS, itselfFrom: from };
      await sleep(LOST_MS);
      fault.to = Date.now();
    }
  },
} satisfies Record<string, FaultKind>;

async function freeze({ cluster, relay, random, tell }: FaultScene, ms: number, ways: readonly Way[]): Promise<void> {
  const way = pick(random, ways);
  const which = { both: "either way", to: "to the database", from: "from the database" }[way];
  tell(`nothing passes ${relay.name}'s network ${which} for ${ms} ms`);
  const fault = cluster.fault(`a network frozen ${which}`, [relay]);
  fault.takeover = { from: fault.from, withinMs: OTHER_MS };
  relay.proxy.freeze(way);
  await sleep(ms);
  fault.to = Date.now();
  relay.proxy.thaw();
}

async function inVain(ms: number): Promise<never> {
  await sleep(ms);
  throw new Error(`Nothing was committed within ${ms} ms`);
}
