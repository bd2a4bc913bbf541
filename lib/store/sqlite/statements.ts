/** SQL that several parts of the SQLite store share. */

import { OWN_LANE } from "../../own_lane.ts";

/** The first delivery of a target and order key that is not done. */
export const firstInOrder = `SELECT event, number FROM deliveries
  WHERE target = :target AND order_key = :orderKey AND state = 'pending' ORDER BY event, number LIMIT 1`;

/** Makes the first delivery of a target and order key that is not done due, if it is parked. */
export const unparkHead = `UPDATE deliveries SET due_at = :at, due_set_at = NULL
  WHERE (event, number) = (${firstInOrder}) AND due_at IS NULL AND awaits IS NULL`;

/** Removes what was written down about a delivery when it began. */
export const forgetBegun = "DELETE FROM underway WHERE event = ? AND number = ?";

/** Whether a name is a target's, not that of a lane of relay's own. */
export const isTarget = (name: string) => `${name} NOT GLOB '${OWN_LANE}*'`;

/** Raises the counter of changes by anyone but lane owners. */
export const raiseChanges = "UPDATE changes SET count = count + 1";
