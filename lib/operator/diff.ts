/** What would go elsewhere under another config. Pure functions. */

import { isDeepStrictEqual } from "node:util";
import type { Told } from "../locale/told.ts";
import type { Routing, RoutingTable } from "../pipeline/route.ts";
import type { Target } from "../targets/target.ts";

/** What a comparison needs to know of a config. */
export interface ComparedConfig extends RoutingTable {
  targets: ReadonlyMap<string, Pick<Target, "kind" | "address" | "url">>;
}

/** A target of both configs that lies elsewhere under the new one. */
export interface MovedTarget {
  name: string;
  /** Kind and address, without any secret: both texts are the same where the rest of a URL differs. */
  from: string;
  to: string;
}

/** Targets that both configs name, and that lie elsewhere under the new one. */
export function movedTargets(before: ComparedConfig, after: ComparedConfig): MovedTarget[] {
  return [...before.targets].flatMap(([name, one]) => {
    const other = after.targets.get(name);
    if (!other) return [];
    const [from, to] = [one, other].map(({ kind, address }) => `${kind} ${address}`) as [string, string];
    return from === to && one.url === other.url ? [] : [{ name, from, to }];
  });
}

/** How an event would go elsewhere. Targets are in the order of their names; none is an event that is unrouted. */
export interface Change {
  type: string;
  from: readonly string[];
  to: readonly string[];
  /** Targets of both sides that lie elsewhere under the new config. */
  moved: readonly string[];
  /** What went wrong in a `when` of the new config. */
  problem?: Told;
}

/**
 * How an event would go elsewhere; `undefined` if it would not.
 * @param moved Names of targets that lie elsewhere under the new config.
 */
export function changeOf(
  type: string,
  before: Routing,
  after: Routing,
  moved: ReadonlySet<string>,
): Change | undefined {
  const [from, to] = [[...before.targets].sort(), [...after.targets].sort()];
  const alsoMoved = to.filter((name) => moved.has(name) && from.includes(name));
  if (alsoMoved.length === 0 && isDeepStrictEqual(from, to)) return undefined;
  const [problem] = after.problems;
  return { type, from, to, moved: alsoMoved, ...(problem !== undefined && { problem }) };
}

/** Changes that are alike. */
export interface ChangeGroup extends Change {
  count: number;
  /** Id of the first event of the group. */
  example: string;
}

/** Counts changes by type and by what changes. */
export class ChangeGroups {
  readonly #groups = new Map<string, ChangeGroup>();

  /** @param id Of the event that would go elsewhere. */
  add(id: string, change: Change): void {
    const { type, from, to } = change; // which says of `moved` as well
    const key = JSON.stringify([type, from, to]);
    const group = this.#groups.get(key);
    if (group) group.count++;
    else this.#groups.set(key, { ...change, count: 1, example: id });
  }

  /** The largest group first. */
  list(): ChangeGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count);
  }
}
