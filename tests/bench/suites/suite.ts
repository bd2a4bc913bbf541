/** What every suite is given. */

import type { Records } from "../load.ts";
import type { Plan } from "../plan.ts";
import type { Results } from "../results.ts";

export interface Bench {
  plan: Plan;
  results: Results;
  /** Takes note of how fast the machine itself is now. */
  noteMachine(): Promise<void>;
  /** Says what is being done. */
  say(what: string): void;
  genuine: Records;
  forged: Records;
}

/** Measures one thing and adds it to the results. */
export type Suite = (bench: Bench) => Promise<void>;
