/** What a fault is. */

import type { Random } from "../../random.ts";
import type { Cluster } from "../cluster.ts";
import type { ClusterRelay } from "../cluster_relay.ts";

/** Whom a fault strikes, and what chance it has. */
export interface FaultScene {
  cluster: Cluster;
  /** The one that it strikes, if it strikes one alone. */
  relay: ClusterRelay;
  random: Random;
  /** Says what is done now, and how. */
  tell(what: string): void;
}

/** Does something to the cluster, notes it in its history, and has undone it when it resolves. */
export type FaultKind = (scene: FaultScene) => Promise<void>;
