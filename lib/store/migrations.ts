/** The steps by which the schema of the SQLite store came about. */

import initial from "./sql/001_initial.sql" with { type: "text" };
import targets from "./sql/002_targets.sql" with { type: "text" };
import operator from "./sql/003_operator.sql" with { type: "text" };
import alarms from "./sql/004_alarms.sql" with { type: "text" };
import notes from "./sql/005_notes.sql" with { type: "text" };
import runs from "./sql/006_runs.sql" with { type: "text" };
import clock from "./sql/007_clock.sql" with { type: "text" };
import sessions from "./sql/008_sessions.sql" with { type: "text" };

/** Each brings the schema from its place in this list to the next version. */
export const migrations = [initial, targets, operator, alarms, notes, runs, clock, sessions];
