/** The pace that the lanes of a target's recipients share. */

import type { Target } from "../targets/target.ts";
import { Pace } from "./pace.ts";

export class Wholes {
  /** By the target's name. */
  readonly #paces = new Map<string, Pace>();

  /** What the lane of this target shares with others; `undefined` for a target that is no recipient of another. */
  of({ whole }: Target): Pace | undefined {
    if (!whole) return undefined;
    const pace = this.#paces.get(whole.name) ?? new Pace({ ...whole.policy, circuit: undefined });
    this.#paces.set(whole.name, pace);
    return pace;
  }

  /** Switches to another config. @param now By the monotonic clock. */
  use(targets: Iterable<Target>, now: number): void {
    const policies = new Map([...targets].flatMap(({ whole }) => whole ? [[whole.name, whole.policy]] : []));
    for (const [name, pace] of this.#paces) {
      const policy = policies.get(name);
      if (policy) pace.use({ ...policy, circuit: undefined }, now);
    }
  }
}
