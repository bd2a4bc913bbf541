/** The migrations of the PostgreSQL store's schema. */

import accept from "./sql/001_accept.sql" with { type: "text" };
import alarms from "./sql/001_alarms.sql" with { type: "text" };
import chains from "./sql/001_chains.sql" with { type: "text" };
import due from "./sql/001_due.sql" with { type: "text" };
import lanes from "./sql/001_lanes.sql" with { type: "text" };
import members from "./sql/001_members.sql" with { type: "text" };
import operator from "./sql/001_operator.sql" with { type: "text" };
import order from "./sql/001_order.sql" with { type: "text" };
import postponed from "./sql/001_postponed.sql" with { type: "text" };
import receipts from "./sql/001_receipts.sql" with { type: "text" };
import record from "./sql/001_record.sql" with { type: "text" };
import recorded from "./sql/001_recorded.sql" with { type: "text" };
import room from "./sql/001_room.sql" with { type: "text" };
import runs from "./sql/001_runs.sql" with { type: "text" };
import search from "./sql/001_search.sql" with { type: "text" };
import steps from "./sql/001_steps.sql" with { type: "text" };
import tables from "./sql/001_tables.sql" with { type: "text" };
import underway from "./sql/001_underway.sql" with { type: "text" };
import upkeep from "./sql/001_upkeep.sql" with { type: "text" };

/**
 * A step only adds, since relays of the previous version keep running beside those that know it: a column has a
 * default, and a function whose parameters or meaning change gets a new name.
 */
export interface Migration {
  add: readonly string[];
  /** Removes what relays that know this step no longer need. It runs once only such relays are connected. */
  remove?: string;
}

/** Each upgrades the schema from the version that is its index in this list to the next. */
export const migrations: readonly Migration[] = [
  {
    add: [
      tables,
      accept,
      chains,
      record,
      recorded,
      due,
      lanes,
      underway,
      order,
      postponed,
      members,
      room,
      steps,
      search,
      operator,
      upkeep,
      alarms,
      runs,
      receipts,
    ],
  },
];
