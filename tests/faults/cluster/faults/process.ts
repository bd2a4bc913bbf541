/** Relays that stop, die or stand still. */

import { pick } from "../../random.ts";
import { sleep } from "../../../helpers/wait.ts";
import type { FaultKind } from "./kind.ts";
import { KILLED_MS, OTHER_MS, STOPPED_MS } from "./limits.ts";

const STOP_MS = 45_000;

export const processFaults = {
  /** One is asked to stop, and started again. */
  async stop({ cluster, relay, random, tell }) {
    const restMs = 3_000 + random() * 5_000;
    tell(`${relay.name} is stopped for ${Math.round(restMs)} ms`);
    const fault = cluster.fault("a stop", [relay], { isClean: true });
    const code = await relay.end("SIGTERM");
    if (code !== 0) throw new Error(`${relay.name} ended with ${code} when it was asked to stop`);
    fault.takeover = { from: Date.now(), withinMs: STOPPED_MS };
    await sleep(restMs);
    fault.to = Date.now();
    await relay.start();
  },

  /** One dies, and is started again at once or much later. */
  async kill({ cluster, relay, random, tell }) {
    const restMs = pick(random, [200, 25_000]);
    tell(`${relay.name} is killed, and started again after ${restMs} ms`);
    const fault = cluster.fault("kill -9", [relay]);
    fault.takeover = { from: fault.from, withinMs: KILLED_MS };
    await relay.end("SIGKILL");
    await sleep(restMs);
    fault.to = Date.now();
    await relay.start();
  },

  /** One stands still, and goes on as if nothing had been. */
  async suspend({ cluster, relay, tell }) {
    tell(`${relay.name} stands still for ${STOP_MS} ms`);
    const fault = cluster.fault("SIGSTOP", [relay]);
    fault.takeover = { from: fault.from, withinMs: OTHER_MS };
    relay.signal("SIGSTOP");
    try {
      await sleep(STOP_MS);
    } finally {
      fault.to = Date.now();
      relay.signal("SIGCONT");
    }
  },
} satisfies Record<string, FaultKind>;
