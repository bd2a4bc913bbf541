/** Another version of the relay in the place of the one that runs. */

import { executable } from "../../../helpers/relay.ts";
import { sleep } from "../../../helpers/wait.ts";
import { VERSION } from "../../../../lib/version.ts";
import type { Cluster } from "../cluster.ts";
import { pauseAndResume, replayOne } from "../verbs.ts";
import type { FaultKind } from "./kind.ts";
import { restart } from "./restart.ts";

/** How long relays of both versions work beside each other, in milliseconds. */
const BESIDE_MS = 4_000;

/** How long a target is held by a verb of the older version, in milliseconds. */
const HOLD_MS = 2_000;

export const versionFaults = {
  /**
   * One after the other is replaced by a newer version, the first of which upgrades the schema. One goes back to the older
   * version, and forward again.
   */
  async versions({ cluster, relay: first, random, tell }) {
    const { relays, newer } = cluster;
    if (!newer) throw new Error("The cluster was started without a newer version");
    const order = [first, ...relays.filter((relay) => relay !== first)];
    for (const relay of order) {
      tell(`${relay.name} is replaced by the newer version`);
      relay.program = newer.executable;
      await restart(cluster, relay);
      if (relay !== first) continue;
      await expect(cluster, { schema: newer.schema, newer: 1 });
      await pauseAndResume(cluster, "worked", HOLD_MS); // by the older version's program
      await replayOne(cluster, random);
      await sleep(BESIDE_MS);
    }
    await expect(cluster, { schema: newer.schema, newer: relays.length });
    tell(`${first.name} goes back to the older version`);
    first.program = executable;
    await restart(cluster, first);
    await expect(cluster, { schema: newer.schema, newer: relays.length - 1 });
    await replayOne(cluster, random);
    await sleep(BESIDE_MS);
    tell(`${first.name} is replaced by the newer version again`);
    first.program = newer.executable;
    await restart(cluster, first);
    await expect(cluster, { schema: newer.schema, newer: relays.length });
  },
} satisfies Record<string, FaultKind>;

/** What the database says of the cluster. */
interface Versions {
  /** Version of its schema. */
  schema: number;
  /** Relays of the newer version. */
  newer: number;
}

/** Sees that the schema is upgraded and still open to the older version, and how many relays are of which version. */
async function expect({ database, newer, relays }: Cluster, wanted: Versions): Promise<void> {
  const [meta] = await database.read<{ version: number; needs: number }>("SELECT version, needs FROM relay.meta");
  const members = await database.read<{ version: string }>("SELECT version FROM relay.members ORDER BY name");
  const count = (version: string) => members.filter((member) => member.version === version).length;
  const [older, later] = [count(VERSION), count(newer!.version)];
  const isSo = meta!.version === wanted.schema && meta!.needs < wanted.schema && later === wanted.newer &&
    older === relays.length - wanted.newer;
  if (isSo) return;
  throw new Error(
    `The schema is ${meta!.version} and needs ${meta!.needs}, with ${older} older and ${later} newer relays; ` +
      `expected schema ${wanted.schema} and ${wanted.newer} newer relays`,
  );
}
