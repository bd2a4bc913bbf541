/** Enriching: who has to wait for the API's limit, and until when. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Enricher } from "../../lib/pipeline/enrich.ts";
import { openSqlite } from "../../lib/store/sqlite.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makeEvent, never } from "../helpers/target.ts";

const access = { url: "http://127.0.0.1:1/notes/v1", key: "k", isOptional: false, account: "x" };

test("enrich() keeps the turns of those who wait, however many come after them", async () => {
  const folder = makeFolder();
  const store = openSqlite(join(folder.path, "relay.db"));
  try {
    const now = Date.now();
    await Promise.all(Array.from({ length: 100 }, () => store.notes.request("x", now, 0)));
    const enricher = new Enricher(store.notes, never);
    const untilOf = async (seq: number) => {
      const event = makeEvent({ event: "note.completed", data: { note_id: `n-${seq}` } });
      const ref = { event: seq, number: 1 };
      const enriched = await enricher.enrich({ ref, event, failures: 0 }, access, { scheduleMs: [], jitter: 0 });
      assert.ok(enriched.kind === "later", enriched.kind);
      return enriched.until;
    };
    const first = await untilOf(1);
    let last = first;
    for (let seq = 2; seq <= 25_000; seq++) {
      const until = await untilOf(seq);
      assert.ok(until >= last, `${seq} may go before one that came earlier`);
      last = until;
    }
    assert.equal(await untilOf(1), first);
  } finally {
    await store.close();
    folder.remove();
  }
});
