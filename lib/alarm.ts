/** What an alarm is about. */

/** What an alarm is about. Times are ISO 8601, UTC. */
export type AlarmData =
  /** There are `limit` dead letters or more; noticed at `since`. */
  | { alarm: "dead"; limit: number; since: string }
  /** No event of this pattern was received for `forMs` milliseconds; the last one was at `since`, or watching began. */
  | { alarm: "silent"; pattern: string; forMs: number; since: string }
  /** `limit` requests or more were refused within `withinMs` milliseconds; noticed at `since`. */
  | { alarm: "refused"; limit: number; withinMs: number; since: string };
