/** What several parts of the SQLite store say in the same words. */

import { OWN_LANE } from "../../own_lane.ts";

/** The first delivery of a target and order key that is not done. */
export const firstInOrder = `SELECT event, number FROM deliveries
  WHERE target = :target AND order_key = :orderKey AND state = 'pending' ORDER BY event, number LIMIT 1`;

/** Whether a name is that of a target, and not of a lane of relay's own. */
export const isTarget = (name: string) => `${name} NOT GLOB '${OWN_LANE}*'`;

/** Raises the count of what was changed by others than owners of lanes. */
export const raiseChanges = "UPDATE changes SET count = count + 1";
