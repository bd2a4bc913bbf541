/** A relay that is stopped as an operator does it, and started again. */

import { until } from "../../../helpers/wait.ts";
import type { Cluster } from "../cluster.ts";
import type { ClusterRelay } from "../cluster_relay.ts";
import type { Version } from "../config.ts";
import { STOPPED_MS } from "./limits.ts";

/** Restarts one, and waits until all are ready. @param config Which config it has then. */
export async function restart(cluster: Cluster, relay: ClusterRelay, config?: Version): Promise<void> {
  const { balancer, relays } = cluster;
  const fault = cluster.fault("a restart", [relay], { isClean: true });
  const code = await relay.end("SIGTERM");
  if (code !== 0) throw new Error(`${relay.name} ended with ${code} when it was asked to stop`);
  fault.takeover = { from: Date.now(), withinMs: STOPPED_MS };
  await relay.start(config);
  fault.to = Date.now();
  await until("all relays to be ready", () => balancer.ready().length === relays.length, 30_000);
}
