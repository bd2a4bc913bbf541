/** A store with many events in it, made without a relay that receives them. */

import { eventId } from "../../lib/id.ts";
import { systemClock } from "../../lib/clock.ts";
import { Told } from "../../lib/locale/told.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";

/** Stores so many events of type `note.failed`, each with one delivery to this target, which was refused. */
export async function seedDead(path: string, count: number, target: string): Promise<void> {
  const store = openSqlite(path, systemClock);
  try {
    const now = Date.now();
    const accepts = Array.from({ length: count }, (_, number) => {
      const body = new TextEncoder().encode(`{"event":"note.failed","data":{"note_id":"${number}"}}`);
      return {
        id: eventId("connectvets", body, now),
        source: "connectvets",
        type: "note.failed",
        receivedAt: now,
        body,
        headers: { "content-type": "application/json" },
        secretIndex: 0,
        problems: [],
        deliveries: [{ target }],
      };
    });
    await store.write({ accepts, lanes: [] });
    const { epoch } = (await store.lanes.own([target], "seed")).get(target)!;
    const [found] = await store.lanes.due([{ lane: target, limit: count, known: [] }]);
    const records = found!.due.map(({ ref, revision }) => ({
      ref,
      revision,
      attempt: 1,
      startedAt: now,
      durationMs: 1,
      outcome: { kind: "dead", reason: "refused", detail: Told.of("no") } as const,
      state: "dead" as const,
      isAwaited: false,
      isOfChain: false,
      wasBegun: false,
      wasMade: true,
    }));
    await store.write({ accepts: [], lanes: [{ epoch, hold: {}, records }] });
    await store.lanes.giveUp([epoch]);
  } finally {
    await store.close();
  }
}
