/** A database that ends sessions, stops, or takes nothing, for one relay or for all. */

import { sleep } from "../../../helpers/wait.ts";
import { pick } from "../../random.ts";
import type { FaultKind, FaultScene } from "./kind.ts";
import { OTHER_MS } from "./limits.ts";

/** How long the database takes nothing, in milliseconds. */
const HELD_MS = 12_000;

export const databaseFaults = {
  /** Sessions of one relay are ended by the database. */
  async backend({ cluster, relay, random, tell }) {
    const which = pick(random, ["locks", "all"] as const);
    const fault = cluster.fault("ended sessions", [relay]);
    fault.takeover = { from: fault.from, withinMs: OTHER_MS };
    const ended = await cluster.database.terminate(relay.proxy.ports(), which);
    tell(`${ended} sessions of ${relay.name} are ended (${which})`);
    if (ended === 0) throw new Error(`${relay.name} has no session to end`);
    await sleep(1_000);
    fault.to = Date.now();
  },

  /** The database is stopped as by a power cut, and started again. */
  async database({ cluster, random, tell, ...scene }) {
    const restMs = pick(random, [500, 8_000, 30_000]);
    tell(`the database is stopped at once, and started again after ${restMs} ms`);
    await forAll({ cluster, random, tell, ...scene }, "a stopped database", async () => {
      await cluster.database.stop("immediate");
      await sleep(restMs);
      await cluster.database.start();
    });
  },

  async readonly(scene) {
    scene.tell(`the database is read-only for ${HELD_MS} ms`);
    const { database } = scene.cluster;
    await forAll(scene, "a read-only database", async () => {
      await database.readOnly(true);
      await sleep(HELD_MS);
      await database.readOnly(false);
    });
  },

  async full(scene) {
    const { disk } = scene.cluster.database;
    if (!disk) return scene.tell("no small disk can be made here: it needs root");
    scene.tell(`the database's disk is full for ${HELD_MS} ms`);
    await forAll(scene, "a full disk", async () => {
      disk.fill();
      await sleep(HELD_MS);
      disk.free();
    });
  },

  /** All sessions of the relays are ended, and others have taken every connection meanwhile. */
  async crowded(scene) {
    scene.tell(`others have all connections for ${HELD_MS} ms`);
    const { database, relays } = scene.cluster;
    await forAll(scene, "no connections", async () => {
      const giveBack = await database.takeConnections();
      try {
        await sleep(1_000);
        await database.terminate(relays.flatMap(({ proxy }) => proxy.ports()), "all");
        await sleep(HELD_MS);
      } finally {
        await giveBack();
      }
    });
  },
} satisfies Record<string, FaultKind>;

/** Notes a fault that strikes all, and counts from its end how long it takes until all lanes are worked again. */
async function forAll({ cluster }: FaultScene, name: string, work: () => Promise<void>): Promise<void> {
  const fault = cluster.fault(name, cluster.relays);
  try {
    await work();
  } finally {
    fault.to = Date.now();
    fault.takeover = { from: fault.to, withinMs: OTHER_MS };
  }
}
