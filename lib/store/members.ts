/** How relays that share a store know about each other, and how each lane has one owner among them. */

import type { Epoch } from "./epoch.ts";
import type { Run } from "./runs.ts";

/** A relay that is connected now. */
export interface Member {
  /** Identifies it among the connected relays. */
  number: number;
  name: string;
  /** Token of its current run, which identifies it as the owner of lanes. */
  token: string;
  version: string;
  /** The lanes that its config names, which it can own. */
  lanes: readonly string[];
  /** It is being stopped and gives up what it owns. */
  isLeaving: boolean;
}

/** A lane whose lock this relay holds, as the lane's row is now. */
export interface HeldLane {
  /** Epoch of its last owner, whoever that was; number 0 if it never had one. */
  epoch: Epoch;
  /** None of its deliveries is under way. */
  isGivenUp: boolean;
}

/** What a relay tells the others when it meets them. */
export interface Word {
  lanes: readonly string[];
  isLeaving: boolean;
  /** Lanes whose locks it wants, including those that it already holds: a new session holds none. */
  take: readonly string[];
  /** Lanes whose locks it releases. */
  release: readonly string[];
}

/** The state at one moment, after the relay's {@link Word}. */
export interface Meeting {
  /** This relay's number. */
  me: number;
  members: readonly Member[];
  /** What this relay holds now. */
  held: ReadonlyMap<string, HeldLane>;
}

/** A relay as it is shown, whether it is running or ran recently. Times are Unix milliseconds. */
export interface MemberView extends Omit<Member, "lanes" | "number" | "token"> {
  isThere: boolean;
  /** The lanes that it owns. */
  lanes: readonly string[];
  /** Lanes whose locks it holds but which it does not own yet: the lost previous owner may run on for a while. */
  taking: readonly string[];
  /** Its last report about itself; absent before the first. */
  run?: Run;
}

/** A change of a lane's owner. */
export interface Takeover {
  lane: string;
  /** Unix milliseconds. */
  at: number;
  /** Name of the new owner. */
  member: string;
  /** The previous owner gave it up, as it does when it is stopped or makes room for another. */
  wasGivenUp: boolean;
}

/**
 * The part of a store that lets relays share it. {@link Store.serve} makes a relay a member. From then on it holds
 * locks in one session, which the store ends after 20 s of silence, and which the next {@link MemberStore.meet} opens
 * again. Errors are as in {@link Store}.
 */
export interface MemberStore {
  /** Random for each run; identifies this relay as the owner of lanes. */
  readonly token: string;
  /** Called as soon as the session is lost, and every lock with it. */
  onLost: () => void;
  /** Sends this relay's word, and returns who is connected. */
  meet(word: Word): Promise<Meeting>;
  /** Records that the previous run of the relay with this name ended without being asked to. */
  tellCrash(): Promise<void>;
  /** Removes what only older versions of relay need, if none of these is connected; returns whether there was any. */
  removeOld(): Promise<boolean>;
  /** Relays that are connected, or were within a day, by name. */
  all(): Promise<MemberView[]>;
  /** Takeovers since this time, the latest first; at most the latest 1,000. */
  takeovers(since: number): Promise<Takeover[]>;
}
