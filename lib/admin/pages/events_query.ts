/** What the address of the list of events says: filters, where the page begins, and the way back. */

import { maskRecipients } from "../../recipient.ts";
import { type EventFilter, MAX_SEARCH } from "../../store/operator.ts";

/** The states that a filter can ask for. */
export const states = ["accepted", "unrouted", "pending", "in_flight", "delivered", "dead", "skipped"] as const;

/** How far back a filter can look, in milliseconds. */
export const spans = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;

/** Cursors of pages passed on the way here, so that there is a way back; older ones are forgotten. */
export const MAX_TRAIL = 40;

/** What the address says. */
export interface Query {
  search: string;
  type: string;
  state: string;
  target: string;
  since: string;
  /** Where the page begins; absent for the newest events. */
  before?: number;
  /** Where the pages before it began, the newest first; 0 for the first page. */
  trail: readonly number[];
}

/** Reads the address. What makes no sense counts as not given. */
export function queryOf(query: Record<string, string | undefined>): Query {
  const one = (name: string) => (query[name] ?? "").trim();
  const number = (text: string) => /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  return {
    search: one("search").slice(0, MAX_SEARCH),
    type: one("type"),
    state: states.find((state) => state === query.state) ?? "",
    target: maskRecipients(one("target")), // which finds the same
    since: Object.hasOwn(spans, one("since")) ? one("since") : "",
    before: number(one("before")),
    trail: one("trail").split(".").map(number).filter((cursor) => cursor !== undefined).slice(-MAX_TRAIL),
  };
}

/** What the store is asked for. */
export function filterOf({ search, type, state, target, since }: Query, now: number): EventFilter {
  return {
    ...(search && { text: search }),
    ...(type && { type }),
    ...(state && { state: state as EventFilter["state"] }),
    ...(target && { target }),
    ...(since && { since: now - spans[since as keyof typeof spans] }),
  };
}

/** The address of another page of the same list; without a cursor, of its first page. */
export function addressOf(query: Query, before?: number, trail: readonly number[] = []): string {
  const { search, type, state, target, since } = query;
  const given = { search, type, state, target, since, before: String(before ?? ""), trail: trail.join(".") };
  const address = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ""));
  return address.size > 0 ? `/events?${address}` : "/events";
}
