/** How much is measured, and how long. */

export interface Plan {
  rounds: number;
  /** Seconds of load before a measurement, and in it. */
  warmUpSeconds: number;
  seconds: number;
  /** Requests that are signed before; those of the warm-up are the first ones. */
  records: number;
  warmUpRecords: number;
  /** Deliveries that wait when a drain begins; scripts are slower. */
  backlog: number;
  scripts: number;
  steadySeconds: number;
  /** Stored events. */
  sizes: readonly number[];
  pending: number;
  starts: number;
  /** Longest time in which the last suite pushes all records through, in seconds. */
  pushSeconds: number;
}

export const fullPlan: Plan = {
  rounds: 3,
  warmUpSeconds: 1,
  seconds: 4,
  records: 1_000_000,
  warmUpRecords: 100_000,
  backlog: 100_000,
  scripts: 3_000,
  steadySeconds: 6,
  sizes: [10_000, 1_000_000, 5_000_000],
  pending: 1_000_000,
  starts: 10,
  pushSeconds: 60,
};

/** To see that everything runs; its figures mean little. */
export const quickPlan: Plan = {
  rounds: 1,
  warmUpSeconds: 1,
  seconds: 2,
  records: 300_000,
  warmUpRecords: 100_000,
  backlog: 10_000,
  scripts: 500,
  steadySeconds: 3,
  sizes: [10_000, 50_000, 100_000],
  pending: 50_000,
  starts: 3,
  pushSeconds: 5,
};
