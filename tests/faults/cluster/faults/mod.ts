/** What is done to a cluster, one fault at a time. */

import { databaseFaults } from "./database.ts";
import type { FaultKind } from "./kind.ts";
import { networkFaults } from "./network.ts";
import { operatorFaults } from "./operator.ts";
import { processFaults } from "./process.ts";
import { versionFaults } from "./version.ts";

/** All that there are, by name. */
export const faults: Readonly<Record<string, FaultKind>> = {
  ...operatorFaults,
  ...processFaults,
  ...networkFaults,
  ...databaseFaults,
  ...versionFaults,
};

/** Those during which the database is at work for all others, so that verbs do what they say. */
export const withVerbs: readonly string[] = [...Object.keys(processFaults), ...Object.keys(networkFaults)];

export type { FaultKind, FaultScene } from "./kind.ts";
export { versionFaults } from "./version.ts";
