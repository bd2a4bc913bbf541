/** Enriching: the note of an event is fetched once, before the deliveries that need it, within the API's limit. */

import { type Clock, systemClock, translate } from "../clock.ts";
import type { ApiAccess } from "../connectvets/api.ts";
import { fetchNote } from "../connectvets/fetch.ts";
import { Limit, LIMIT_MS } from "../connectvets/limit.ts";
import { type Note, noteOf } from "../connectvets/note.ts";
import { payloadOf, type ReadableEvent } from "../event.ts";
import { isObject } from "../json.ts";
import { log } from "../log.ts";
import { noteRequests } from "../metrics.ts";
import { isSystem } from "../system_event.ts";
import type { Dead, Retry } from "../outcome.ts";
import type { Claimed } from "../store/mod.ts";
import type { KeptNote, NoteStore } from "../store/notes.ts";
import type { RetryPolicy, Target } from "../targets/target.ts";
import { matchingRules, messageOf, routedOf, type RoutingTable } from "./route.ts";

/** Most requests at the same time to one account. */
const MAX_NOTE_REQUESTS = 8;

/** Wait for one of these to end, in milliseconds. */
const BUSY_MS = 500;

/** How long a delivery waits for a note that is optional, in milliseconds. */
const PATIENCE_MS = 60_000;

/** For how long it is relied on that there was no note, in milliseconds; later, such as for a replay, it is asked anew. */
const FRESH_MS = 600_000;

/** Most events that are remembered as waiting; one more comes back when the last of them may go. */
const MAX_WAITING = 20_000;

/** What a delivery needs to know of its target. */
type Asking = Pick<Target, "name" | "enrich" | "sendsBytes">;

/** Where the note for this delivery comes from; `undefined` if it needs none, which costs next to nothing to say. */
export function accessFor(event: ReadableEvent, target: Asking, table: RoutingTable): ApiAccess | undefined {
  const { name, enrich } = target;
  if (!enrich && !table.routes.some((rule) => rule.enrich && rule.to.includes(name))) return undefined;
  if (isSystem(event)) return undefined;
  const rules = matchingRules(routedOf(event), name, table);
  if (target.sendsBytes?.(messageOf(rules))) return undefined;
  const asked = [...rules.map((rule) => rule.enrich), enrich].filter((one) => one !== undefined);
  return asked.find(({ isOptional }) => !isOptional) ?? asked[0];
}

/** What a delivery is made with: the note, or nothing where that will do; `undefined` if the note is to be had first. */
export function noteIn(kept: KeptNote | undefined, access: ApiAccess, now: number): { note?: Note } | undefined {
  if (kept?.data) return { note: noteOf(JSON.parse(new TextDecoder().decode(kept.data))) };
  const isFresh = kept !== undefined && now >= kept.at && now < kept.at + FRESH_MS;
  return access.isOptional && isFresh ? {} : undefined;
}

/** What follows for a delivery: it can be made, not before a time of the monotonic clock, or it has failed. */
export type Enriched =
  | { kind: "ready" }
  | { kind: "later"; until: number }
  | { kind: "failed"; outcome: Retry | Dead };

/** An event whose note somebody waits for. Times are those of the monotonic clock. */
interface Waiting {
  since: number;
  /** When the request may probably be made. */
  turn?: number;
}

interface Account {
  limit: Limit;
  flights: Map<number, Promise<Enriched>>;
  waiting: Map<number, Waiting>;
}

export class Enricher {
  readonly #store: NoteStore;
  readonly #stop: AbortSignal;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Promise<Account>>();

  /** @param stop Ends requests; what they were for is given back. */
  constructor(store: NoteStore, stop: AbortSignal, clock: Clock = systemClock) {
    this.#store = store;
    this.#stop = stop;
    this.#clock = clock;
  }

  /**
   * Has the note fetched and kept, if it may be now: one request an event, however many deliveries ask.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async enrich(
    { ref: { event: seq }, event, failures }: Pick<Claimed, "ref" | "failures"> & { event: ReadableEvent },
    access: ApiAccess,
    retry: RetryPolicy,
  ): Promise<Enriched> {
    const id = noteIdOf(event);
    if (id === undefined) {
      const detail =
        "The event names no note in `data.note_id` or `data.id`; `optional: true` in `enrich` goes without";
      return await this.#settle(seq, access, { kind: "dead", reason: "note_missing", detail });
    }
    const account = await this.#account(access.account);
    const own = this.#wait(account, seq);
    const result = await (account.flights.get(seq) ?? this.#begin(account, seq, id, access));
    if (result.kind === "later" && !(access.isOptional && result.until > own.since + PATIENCE_MS)) return result;
    const settled = result.kind === "failed"
      ? await this.#settle(seq, access, result.outcome, this.#nextAt(result.outcome, retry.scheduleMs[failures]), own)
      : result.kind === "later"
      ? await this.#settle(seq, access, limited(this.#wallTime(result.until)))
      : result;
    const isDone = settled.kind === "ready" || (settled.kind === "failed" && settled.outcome.kind === "dead");
    if (isDone) account.waiting.delete(seq);
    return settled;
  }

  /**
   * What a failure means: one that will not pass is kept with the event, and what can go without does.
   * @param nextAt When the next attempt would be made, if there was one.
   */
  async #settle(
    event: number,
    { isOptional }: ApiAccess,
    outcome: Retry | Dead,
    nextAt = Infinity,
    { since }: Waiting = { since: 0 },
  ): Promise<Enriched> {
    const goesWithout = isOptional && nextAt > since + PATIENCE_MS;
    if (goesWithout || outcome.kind === "dead") {
      await this.#store.keep(event, { at: this.#clock.now(), problem: outcome.detail });
    }
    return goesWithout ? { kind: "ready" } : { kind: "failed", outcome };
  }

  #wait({ limit, waiting }: Account, event: number): Waiting {
    const known = waiting.get(event);
    if (known) return known;
    const since = this.#clock.monotonic();
    if (waiting.size >= MAX_WAITING) {
      const [first, { turn = -Infinity }] = waiting.entries().next().value!;
      if (turn > since) return { since, turn: limit.lastTurn };
      waiting.delete(first); // whose delivery is paused, or waits for another attempt, or is gone
    }
    const added = { since };
    waiting.set(event, added);
    return added;
  }

  async #begin(account: Account, event: number, id: string, access: ApiAccess): Promise<Enriched> {
    const { limit, flights } = account;
    const own = this.#wait(account, event);
    const now = this.#clock.monotonic();
    own.turn ??= limit.take(now);
    if (own.turn <= now) own.turn = flights.size < MAX_NOTE_REQUESTS ? limit.enter(now) : now + BUSY_MS;
    if (own.turn > now) return { kind: "later", until: own.turn };
    own.turn = undefined;
    const flight = this.#fly(account, event, id, access).finally(() => account.flights.delete(event));
    account.flights.set(event, flight);
    return await flight;
  }

  async #fly(account: Account, event: number, id: string, access: ApiAccess): Promise<Enriched> {
    // Before the request, so that a crash does not forget it.
    const askedAt = this.#clock.now();
    await this.#store.request(access.account, askedAt, askedAt - LIMIT_MS);
    const asked = await fetchNote(access, id, this.#stop);
    const now = this.#clock.monotonic();
    if (this.#stop.aborted) return { kind: "later", until: now };
    noteRequests.inc({ result: asked.kind === "failed" ? asked.outcome.reason : asked.kind });
    if (asked.pauseMs !== undefined) await this.#hold(account, access.account, now, asked.pauseMs);
    if (asked.kind === "limited") {
      const own = this.#wait(account, event);
      return { kind: "later", until: own.turn ??= account.limit.take(now) };
    }
    if (asked.kind === "failed") return asked;
    await this.#store.keep(event, { at: this.#clock.now(), data: asked.data });
    return { kind: "ready" };
  }

  async #hold({ limit, waiting }: Account, account: string, now: number, pauseMs: number): Promise<void> {
    const until = this.#wallTime(limit.hold(now + pauseMs, now));
    for (const own of waiting.values()) own.turn = undefined;
    log.warn("waiting with requests for notes: ConnectVets' API takes no more before {until}", {
      until: new Date(until).toISOString(),
    });
    await this.#store.hold(account, until, this.#clock.now());
  }

  /** When the next attempt is made after this outcome, if there is one. */
  #nextAt(outcome: Retry | Dead, pauseMs: number | undefined): number | undefined {
    return outcome.kind === "dead" || pauseMs === undefined ? undefined : this.#clock.monotonic() + pauseMs;
  }

  /** A time of the monotonic clock in Unix milliseconds. */
  #wallTime(time: number): number {
    return Math.round(translate(time, this.#clock.monotonic(), this.#clock.now()));
  }

  #account(name: string): Promise<Account> {
    const known = this.#accounts.get(name);
    if (known) return known;
    const read = this.#store.use(name, this.#clock.now() - LIMIT_MS).then(({ requests, heldUntil = 0 }) => {
      const past = (at: number) => translate(at, this.#clock.now(), this.#clock.monotonic());
      return { limit: new Limit(requests.map(past), past(heldUntil)), flights: new Map(), waiting: new Map() };
    });
    this.#accounts.set(name, read);
    read.catch(() => this.#accounts.delete(name));
    return read;
  }
}

/** @param until Unix milliseconds. */
function limited(until: number): Retry {
  const detail = `ConnectVets' API takes no further request before ${new Date(until).toISOString()}`;
  return { kind: "retry", reason: "note_unavailable", detail };
}

/** The note that an event is about; `undefined` if it names none that a URL can. */
function noteIdOf(event: ReadableEvent): string | undefined {
  const { data } = payloadOf(event);
  const { note_id, id } = isObject(data) ? data : {};
  const given = note_id ?? id;
  return typeof given === "string" && /^[\w-]{1,128}$/.test(given) ? given : undefined;
}
