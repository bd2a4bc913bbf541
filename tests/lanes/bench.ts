/** An owner of lanes on a store of its own, in simulated time, whose targets answer as a test says. */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { NewEvent } from "../../lib/event.ts";
import { Owner } from "../../lib/lanes/owner.ts";
import type { LanesConfig } from "../../lib/lanes/worker.ts";
import { Told } from "../../lib/locale/told.ts";
import type { Deferred, Outcome } from "../../lib/outcome.ts";
import { redactor } from "../../lib/secret.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { Writer } from "../../lib/store/writer.ts";
import type { Delivery, Policy, Target } from "../../lib/targets/target.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, newEvent, T0 } from "../store/samples.ts";

/** How a target behaves. */
export interface Script {
  policy?: Partial<Policy>;
  /** How long each attempt takes, in milliseconds. */
  takesMs?: number;
  /** What it answers; absent: that it was delivered. */
  answer?(made: Made): Outcome | Deferred;
  parts?: Partial<Target>;
}

/** An attempt that was begun. Times are in milliseconds since the bench began, whatever the clock says. */
export interface Made {
  lane: string;
  key: string;
  /** Which message it went out in, from 1: the same for all deliveries of a digest. */
  message: number;
  attempt: number;
  at: number;
  endedAt?: number;
  delivery: Delivery;
}

export const failed = { kind: "retry", reason: "server_failed", detail: Told.of("It answered 500") } as const;
export const refused = { kind: "dead", reason: "refused", detail: Told.of("It answered 400") } as const;

/** What an operator sees of an event's first delivery. */
export interface Shown {
  state: string;
  attempts: number;
  /** In how many milliseconds the next attempt is due. */
  dueMs?: number;
  /** How long each attempt took, in milliseconds. */
  durations: number[];
}

export class Bench {
  readonly clock = new HandClock(T0);
  /** In the order in which they began. */
  readonly made: Made[] = [];
  /** How many attempts ran at the same time at most. */
  most = 0;
  /** How often the store was asked what is due, and how much of a lane was in memory then at most. */
  looks = 0;
  mostKnown = 0;
  /** What the store's clock is ahead of the owner's, in milliseconds. */
  aheadMs = 0;
  config: LanesConfig;
  store!: Store;
  owner!: Owner;
  /** Lanes in which the owner may begin something, where it shares them with others; absent: it is alone. */
  shared?: Set<string>;
  readonly #folder = makeFolder();
  readonly #path = join(this.#folder.path, "relay.db");
  #other?: DatabaseSync;
  #running = 0;
  #messages = 0;

  /** @param parts Goes before what the config says otherwise. */
  constructor(scripts: Record<string, Script>, parts: Partial<LanesConfig> = {}) {
    this.config = {
      sources: [],
      lanes: this.lanesOf(scripts),
      routes: [],
      retry: { scheduleMs: [10], jitter: 0 },
      redact: redactor([]),
      ...parts,
    };
  }

  lanesOf(scripts: Record<string, Script>): Map<string, Target> {
    return new Map(Object.entries(scripts).map(([name, script]) => [name, this.#targetOf(name, script)]));
  }

  #targetOf(name: string, { policy, takesMs = 0, answer, parts }: Script): Target {
    return {
      name,
      kind: "scripted",
      policy: { timeoutMs: 3_600_000, concurrency: 8, rates: [], ...policy },
      address: name,
      secrets: [],
      warnings: [],
      render: () => ({}),
      deliver: (delivery, signal) => this.#deliver(name, [delivery], { takesMs, answer }, signal),
      deliverAll: (deliveries, signal) => this.#deliver(name, deliveries, { takesMs, answer }, signal),
      ...parts,
    };
  }

  /** Makes one attempt; what is answered depends on the first of the deliveries. */
  async #deliver(
    lane: string,
    deliveries: readonly Delivery[],
    { takesMs, answer }: Required<Pick<Script, "takesMs">> & Pick<Script, "answer">,
    signal: AbortSignal,
  ): Promise<Outcome | Deferred> {
    const message = ++this.#messages;
    const all = deliveries.map((delivery): Made => {
      const { key } = JSON.parse(Buffer.from(delivery.event.body).toString());
      return { lane, key, message, attempt: delivery.attempt, at: this.clock.monotonic(), delivery };
    });
    this.made.push(...all);
    this.most = Math.max(this.most, ++this.#running);
    await this.clock.sleep(takesMs, signal);
    this.#running--;
    for (const made of all) made.endedAt = this.clock.monotonic();
    if (signal.aborted) return failed;
    return answer?.(all[0]!) ?? { kind: "delivered" };
  }

  /** Opens the store, and has another owner begin on it. */
  async start(wasUnclean = false): Promise<void> {
    this.store = openSqlite(this.#path, { ...this.clock, now: () => this.clock.now() + this.aheadMs });
    const { lanes } = this.store;
    const due = lanes.due.bind(lanes);
    lanes.due = (asks) => {
      this.looks++;
      this.mostKnown = Math.max(this.mostKnown, ...asks.map(({ known }) => known.length));
      return due(asks);
    };
    this.owner = new Owner(this.store, new Writer(this.store, this.clock), this.config, this.clock);
    if (this.shared) this.owner.share({ mayBegin: (lane) => this.shared!.has(lane), changed: () => {} });
    await this.within(this.owner.start(wasUnclean));
  }

  /** Stops the owner. */
  async stop(drainMs = 0): Promise<void> {
    await this.within(this.owner.stop(drainMs));
  }

  /** Ends the owner and the store, and begins anew, as a restart does. */
  async restart(meanwhile = () => {}, wasUnclean = false): Promise<void> {
    await this.stop();
    await this.store.close();
    meanwhile();
    await this.start(wasUnclean);
  }

  /** Lets as much time pass as something takes. */
  async within<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const done = work.finally(() => isDone = true);
    done.catch(() => {});
    for (let ms = 0; !isDone; ms = 1) await this.clock.run(ms);
    return await done;
  }

  /** Accepts events, which are received now, for `a` unless other targets are given. */
  async accept(keys: string[], targets = ["a"], parts: Partial<NewEvent> = {}): Promise<void> {
    const own = { receivedAt: this.clock.now(), ...parts };
    await accept(this.store, ...keys.map((key) => newEvent(key, targets, own)));
    this.owner.wake();
  }

  /** Accepts events as {@link Bench.accept} does, and offers them to the owner, as the relay does. */
  async offer(keys: string[], targets = ["a"], parts: Partial<NewEvent> = {}): Promise<void> {
    const own = { receivedAt: this.clock.now(), ...parts };
    const events = keys.map((key) => newEvent(key, targets, own));
    const accepts = events.map((event) => ({ ...event, body: new Uint8Array(event.body) })); // with memory of its own
    const { accepted } = await this.store.write({ accepts, lanes: [] });
    accepts.forEach((event, index) => this.owner.offer(event, accepted[index]!));
  }

  /** Sets the clock, which the owner is told, as the relay does. */
  set(now: number): void {
    this.clock.set(now);
    this.owner.clockWasSet();
  }

  /** Keeps the store from writing until what this gives is called. */
  lock(): () => void {
    const other = this.#other ??= new DatabaseSync(this.#path);
    other.exec("BEGIN IMMEDIATE");
    return () => other.exec("ROLLBACK");
  }

  /** Rows of a table as they are. */
  rows(table: "deliveries" | "attempts" | "underway"): unknown[] {
    const other = this.#other ??= new DatabaseSync(this.#path);
    return other.prepare(`SELECT * FROM ${table}`).all().map((row) => ({ ...row }));
  }

  /** Changes the store behind the owner's back. */
  change(sql: string): void {
    this.#other ??= new DatabaseSync(this.#path);
    this.#other.exec(sql);
  }

  async told(key: string): Promise<Shown> {
    const { state, attempts, nextAttemptAt, history } = (await this.store.story(newEvent(key).id))!.deliveries[0]!;
    const dueMs = nextAttemptAt === null ? undefined : Date.parse(nextAttemptAt) - this.clock.now();
    return { state, attempts, dueMs, durations: history.map(({ durationMs }) => durationMs) };
  }

  async stateOf(key: string): Promise<string> {
    return (await this.told(key)).state;
  }

  /** Keys of the events in the order in which attempts for them began, to one lane or to all. */
  keys(lane?: string): string[] {
    return this.made.filter((made) => lane === undefined || made.lane === lane).map(({ key }) => key);
  }

  /** What each message held, in the order in which attempts for them began: keys of events, after when it began. */
  messages(lane?: string): [at: number, ...keys: string[]][] {
    const made = this.made.filter((made) => lane === undefined || made.lane === lane);
    return [...Map.groupBy(made, ({ message }) => message).values()].map((all) => [
      all[0]!.at,
      ...all.map(({ key }) => key),
    ]);
  }

  /** When attempts began. */
  times(): number[] {
    return this.made.map(({ at }) => at);
  }

  async close(): Promise<void> {
    await this.stop();
    this.#other?.close();
    await this.store.close();
    this.#folder.remove();
  }
}

/** Has an owner at work on lanes with these names. */
export async function withOwner(
  scripts: Record<string, Script>,
  work: (bench: Bench) => Promise<void>,
  parts: Partial<LanesConfig> = {},
): Promise<void> {
  const bench = new Bench(scripts, parts);
  await bench.start();
  try {
    await work(bench);
  } finally {
    await bench.close();
  }
}
