/** A store with many events in it, made without a relay that receives them. */

import { eventId } from "../../lib/id.ts";
import { openSqlite } from "../../lib/store/sqlite.ts";

/** Stores so many events of type `note.failed`, each with one delivery to this target, which was refused. */
export async function seedDead(path: string, count: number, target: string): Promise<void> {
  const store = openSqlite(path);
  try {
    const now = Date.now();
    await store.accept(Array.from({ length: count }, (_, number) => {
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
    }));
    const claimed = await store.claim([{ target, limit: count }], now, now + 60_000);
    await store.record(claimed.map(({ ref }) => ({
      ref,
      target,
      attempt: 1,
      startedAt: now,
      durationMs: 1,
      outcome: { kind: "dead", reason: "refused", detail: "no" },
      state: "dead",
      hold: {},
    })));
  } finally {
    await store.close();
  }
}
