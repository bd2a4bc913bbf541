/** What a relay that was killed has in its store. */

import { DatabaseSync } from "node:sqlite";
import { numberOf } from "./load.ts";

/** Deliveries that are recorded as delivered, of the events that came last, by the events' numbers. */
export function recordedIn(store: string): { number: number; target: string }[] {
  const db = new DatabaseSync(store, { readOnly: true });
  try {
    const rows = db.prepare(
      `SELECT CAST(body AS TEXT) AS body, target FROM deliveries JOIN events ON seq = event
       WHERE state = 'delivered' AND seq > (SELECT max(seq) FROM events) - 5000`,
    ).all() as { body: string; target: string }[];
    return rows.map(({ body, target }) => ({ number: numberOf(body), target }));
  } finally {
    db.close();
  }
}
