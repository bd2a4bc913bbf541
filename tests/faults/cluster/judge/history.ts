/** What happened in a cluster, as those around it saw it. All times are milliseconds of one clock, the test's own. */

/** An event that was sent. */
export interface Posted {
  number: number;
  /** Its order key. */
  key: string;
  /** When it was first sent. */
  sentAt: number;
  /** When it was answered 200; `undefined` if it never was. */
  acknowledgedAt?: number;
  /** The targets that it must reach. */
  targets: readonly string[];
  /** Further targets that it may reach: relays whose configs differ may take it either way. */
  mayReach?: readonly string[];
}

/** A delivery that came to a target. */
export interface Arrival {
  /** Which event; `NaN` if it cannot be told, or is not genuine. */
  number: number;
  target: string;
  deliveryId: string;
  eventId: string;
  /** Which attempt the relay says it is. */
  attempt: number;
  /** The relay that made it. */
  relay: string;
  /** Which connection it came on, from 1. */
  connection: number;
  startedAt: number;
  /** When the relay began it, by its own word, if it gave one: what is judged is as busy as the relays. */
  begunAt?: number;
  /** When it was answered, or its connection ended; `undefined` while it is under way. */
  endedAt?: number;
  /** The target said that it has it. */
  isTaken: boolean;
}

/** Something that was done to the cluster. */
export interface Fault {
  name: string;
  /** The relays that it was done to. */
  relays: readonly string[];
  from: number;
  to: number;
  /** It is none that may cost anything: it excuses no delivery that is made again. */
  isClean?: boolean;
  /** How much longer everything takes to the database, and as much back, in milliseconds. */
  delayMs?: number;
  /** Every lane of these relays is worked again by then, whoever works it. */
  takeover?: Deadline;
}

/** Until when lanes are worked again. */
export interface Deadline {
  from: number;
  withinMs: number;
  /** What the struck relay itself does counts from then on. Default: the end of the fault. */
  itselfFrom?: number;
}

/** A time in which an operator held a target. */
export interface Hold {
  target: string;
  /** When `pause` had said that it is done. */
  from: number;
  /** When `resume` began; `undefined` while it is held. */
  to?: number;
}

export interface History {
  posted: Posted[];
  arrivals: Arrival[];
  faults: Fault[];
  holds: Hold[];
  /** Events that were replayed, once for each time, with the targets that they had to reach again. */
  replays: { number: number; targets: readonly string[]; at: number }[];
  /** When the notes API was called. */
  readonly calls: number[];
}

/** What a target is promised. */
export interface TargetRules {
  /** Most deliveries at a time. */
  concurrency?: number;
  /** Most deliveries that begin within a time. */
  rate?: { perMs: number; limit: number };
  /** What has the same order key comes one after the other, in order. */
  isOrdered?: boolean;
  /** Something comes for it all the time, so that silence tells that nobody works its lane. */
  isSteady?: boolean;
}

export interface Rules {
  targets: Readonly<Record<string, TargetRules>>;
  /** Most calls of the notes API within a minute. */
  callsPerMinute: number;
  /**
   * How much longer a lane may stand still than is promised, and how much longer a relay may take to obey an operator, on a
   * machine that is busy with other things, in milliseconds. Default: 0.
   */
  slackMs?: number;
}

/** Something that must not have happened. */
export interface Finding {
  /** Which promise was broken. */
  rule: string;
  /** When it happened. */
  at: number;
  /** What, in words. */
  text: string;
}
