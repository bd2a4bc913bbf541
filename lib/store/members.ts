/** How relays that share a store know of each other, and how each lane has one owner among them. */

import type { Epoch } from "./epoch.ts";
import type { Run } from "./runs.ts";

/** A relay that is there now. */
export interface Member {
  /** Tells it from others that are there. */
  number: number;
  name: string;
  /** Of its start, by which it is known as the owner of lanes. */
  token: string;
  version: string;
  /** What its config names: the lanes that it can own. */
  lanes: readonly string[];
  /** It is being stopped, and gives up what it owns. */
  isLeaving: boolean;
}

/** A lane whose lock this relay holds, as the lane's row says now. */
export interface HeldLane {
  /** Of its last owner, whoever that was; number 0 if it never had one. */
  epoch: Epoch;
  /** Nothing of it is under way. */
  isGivenUp: boolean;
}

/** What a relay says when it meets the others. */
export interface Word {
  lanes: readonly string[];
  isLeaving: boolean;
  /** Lanes whose locks it wants, those that it holds as well: in a new session it holds none. */
  take: readonly string[];
  /** Lanes whose locks it lets go of. */
  release: readonly string[];
}

/** What is so at one moment, after the word. */
export interface Meeting {
  /** This relay's number. */
  me: number;
  members: readonly Member[];
  /** What this relay holds now. */
  held: ReadonlyMap<string, HeldLane>;
}

/** A relay as it is shown, whether it runs or ran recently. Times are Unix milliseconds. */
export interface MemberView extends Omit<Member, "lanes" | "number" | "token"> {
  isThere: boolean;
  /** The lanes that it owns. */
  lanes: readonly string[];
  /** Lanes whose locks it holds and that it does not own yet: the owner before, which was lost, may live on for a while. */
  taking: readonly string[];
  /** What it said of itself last; absent until it has. */
  run?: Run;
}

/** A lane that came to another owner. */
export interface Takeover {
  lane: string;
  /** Unix milliseconds. */
  at: number;
  /** Name of the new owner. */
  member: string;
  /** The owner before gave it up, as one does that is stopped, or makes room for another. */
  wasGivenUp: boolean;
}

/**
 * The side of a store that relays share. By {@link Store.serve} a relay becomes a member, and from then on holds locks in
 * one session, which the store ends by itself when nothing is heard in it for 20 s, and which is opened again by the next
 * word. Errors are as in {@link Store}.
 */
export interface MemberStore {
  /** Random, of this start: this relay is known by it as the owner of lanes. */
  readonly token: string;
  /** Told at once when the session is lost; every lock is. */
  onLost: () => void;
  /** Says a word, and tells who is there. */
  meet(word: Word): Promise<Meeting>;
  /** Says that the start before this one, of the relay of this name, ended without having been asked to. */
  tellCrash(): Promise<void>;
  /** Takes away what only relays of older versions needed, if none of them is there. Says whether there was anything. */
  removeOld(): Promise<boolean>;
  /** Relays that are there, or were within a day, by name. */
  all(): Promise<MemberView[]>;
  /** Lanes that came to another owner since then, the last first; of many the last 1,000. */
  takeovers(since: number): Promise<Takeover[]>;
}
