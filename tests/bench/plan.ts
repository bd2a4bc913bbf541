/** How much is measured, and how long. */

export interface Plan {
  rounds: number;
  /** Seconds of load before a measurement, in which a runtime compiles what it runs often, and in it. */
  warmUpSeconds: number;
  seconds: number;
  /** Requests that are signed before. */
  records: number;
  /** Deliveries that wait when a drain begins; scripts are slower. */
  backlog: number;
  scripts: number;
  steadySeconds: number;
  /** Stored events: few, and many. */
  sizes: readonly [number, number];
  pending: number;
  /** Rounds of relays that share a database. */
  severalRounds: number;
  /** Events that their store holds: few, and many. */
  severalSizes: readonly [number, number];
  /** How long they are watched while they have nothing to do. */
  idleSeconds: number;
  /** Longest time in which the last suite pushes all records through, in seconds. */
  pushSeconds: number;
  /** What each suite may take, in seconds. */
  budget: Readonly<Record<"ack" | "deliver" | "growth" | "footprint" | "several", number>>;
}

export const fullPlan: Plan = {
  rounds: 5,
  warmUpSeconds: 4,
  seconds: 3,
  records: 600_000,
  backlog: 40_000,
  scripts: 2_000,
  steadySeconds: 3,
  sizes: [10_000, 5_000_000],
  pending: 1_000_000,
  severalRounds: 2,
  severalSizes: [10_000, 1_000_000],
  idleSeconds: 10,
  pushSeconds: 20,
  budget: { ack: 430, deliver: 210, growth: 200, footprint: 60, several: 250 },
};

/** To see that everything runs; its figures mean little. */
export const quickPlan: Plan = {
  rounds: 1,
  warmUpSeconds: 1,
  seconds: 2,
  records: 300_000,
  backlog: 20_000,
  scripts: 1_000,
  steadySeconds: 2,
  sizes: [10_000, 100_000],
  pending: 50_000,
  severalRounds: 1,
  severalSizes: [10_000, 50_000],
  idleSeconds: 5,
  pushSeconds: 5,
  budget: { ack: 60, deliver: 35, growth: 35, footprint: 20, several: 120 },
};
