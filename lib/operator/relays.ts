/** Relays that share a store, who owns what, and recent changes of owner: as an operator sees them. */

import { DUTIES, isOwnLane } from "../own_lane.ts";
import type { MemberView, Takeover } from "../store/members.ts";
import type { Store } from "../store/mod.ts";
import type { Run } from "../store/runs.ts";
import { type RunView, runView } from "./run.ts";

/** How far back takeovers are told of, in milliseconds. */
const TAKEOVER_SPAN_MS = 86_400_000;

/**
 * How a relay is. `running` and `stopping` ones are members. `stopped`: it ended as it was asked to. `lost`: it is gone
 * without a word, as after a crash, `kill -9` or a loss of its network.
 */
export type RelayState = "running" | "stopping" | "stopped" | "lost";

/** A relay among others. What follows `listeners` is as in {@link RunView}. */
export interface RelayView extends Omit<RunView, "running" | "version"> {
  name: string;
  version: string;
  state: RelayState;
  /** Targets whose deliveries are its to make. */
  lanes: string[];
  /** Targets that it takes over from a relay that was lost: it waits until that one has surely ended what it began. */
  taking: string[];
  /** It also has the duties, of which there is one owner: retention, alarms. */
  duties: boolean;
}

/** A target whose deliveries came to another relay. */
export interface TakeoverView extends Omit<Takeover, "at"> {
  /** ISO 8601, UTC. */
  at: string;
}

/** The relays of a store that is for several. */
export interface Relays {
  /** Those that are there, by name. */
  members: RelayView[];
  /** Those that are not, and were within a day. */
  gone: RelayView[];
  /** Targets that a running relay's config names, and that no relay owns or takes over: their deliveries wait. */
  unowned: string[];
  /** Those of the last day, the last first. */
  takeovers: TakeoverView[];
}

/** Relays, and what the one of them said that was heard of last: of those that are there, if any are. */
export interface RelaysAndRun {
  relays: Relays;
  view: RunView;
  run: Run | undefined;
  /** What each relay that is there said last, by its name. */
  runs: ReadonlyMap<string, Run>;
}

/** @returns `undefined` where the store is for one relay alone. */
export async function relaysOf({ members, time }: Pick<Store, "members" | "time">): Promise<RelaysAndRun | undefined> {
  if (!members) return undefined;
  const all = await members.all(); // which tells the store's time
  return relaysView(all, await members.takeovers(time.now() - TAKEOVER_SPAN_MS));
}

export function relaysView(all: readonly MemberView[], takeovers: readonly Takeover[]): RelaysAndRun {
  const there = all.filter(({ isThere }) => isThere);
  const views = all.map((one) => ({ isThere: one.isThere, view: relayView(one) }));
  const owned = new Set(there.flatMap(({ lanes, taking }) => [...lanes, ...taking]));
  const named = new Set(there.flatMap(({ run }) => run?.targets ?? []).map(({ name }) => name));
  const run = lastHeard(there) ?? lastHeard(all);
  const members = views.filter(({ isThere }) => isThere).map(({ view }) => view);
  return {
    relays: {
      members,
      gone: views.filter(({ isThere }) => !isThere).map(({ view }) => view),
      unowned: [...named].filter((name) => !owned.has(name)).sort(),
      takeovers: takeovers.filter(({ lane }) => !isOwnLane(lane))
        .map((one) => ({ ...one, at: new Date(one.at).toISOString() })),
    },
    run,
    runs: new Map(there.flatMap(({ name, run }) => run ? [[name, run]] : [])),
    view: {
      ...runView(run, there.length > 0),
      // A program that looks at this alone should learn of it, whichever relay it is.
      reload: members.find(({ reload }) => reload !== null)?.reload ?? null,
    },
  };
}

function relayView({ name, version, isThere, isLeaving, lanes, taking, run }: MemberView): RelayView {
  const { running: _, version: _version, ...view } = runView(run, isThere);
  return {
    name,
    version,
    state: isThere ? (isLeaving ? "stopping" : "running") : run?.stoppedAt === undefined ? "lost" : "stopped",
    lanes: lanes.filter((lane) => !isOwnLane(lane)),
    taking: taking.filter((lane) => !isOwnLane(lane)),
    duties: lanes.includes(DUTIES),
    ...view,
  };
}

function lastHeard(members: readonly MemberView[]): Run | undefined {
  return members.flatMap(({ run }) => run ?? []).toSorted((one, other) => other.heardAt - one.heardAt)[0];
}

/** The relay that owns a target's deliveries, or takes them over, if one does. */
export function ownerOf(
  { members }: Pick<Relays, "members">,
  target: string,
): { name: string; isTaking: boolean } | undefined {
  const owner = members.find(({ lanes }) => lanes.includes(target));
  const taker = owner ?? members.find(({ taking }) => taking.includes(target));
  return taker && { name: taker.name, isTaking: !owner };
}

/** Takeovers that one event gave rise to, such as the stop of a relay: told in one sentence. */
export interface TakeoverGroup extends Omit<TakeoverView, "lane"> {
  lanes: string[];
}

/** Takeovers by the same relay for the same cause are one if they follow each other within this long, in milliseconds. */
const ONE_EVENT_MS = 60_000;

/** @param takeovers The last first. @returns Likewise; `at` is that of the last one of each. */
export function groupedTakeovers(takeovers: readonly TakeoverView[]): TakeoverGroup[] {
  const groups: TakeoverGroup[] = [];
  for (const { lane, at, member, wasGivenUp } of takeovers) {
    const isSame = (one: TakeoverGroup) =>
      one.member === member && one.wasGivenUp === wasGivenUp && Date.parse(one.at) - Date.parse(at) <= ONE_EVENT_MS;
    const group = groups.find(isSame);
    if (!group) groups.push({ at, member, wasGivenUp, lanes: [lane] });
    else if (!group.lanes.includes(lane)) group.lanes.push(lane);
  }
  for (const { lanes } of groups) lanes.sort();
  return groups;
}
