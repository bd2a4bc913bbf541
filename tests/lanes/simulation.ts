/** A world in simulated time: programs that own the lanes of one store, targets that fail by chance, and an operator. */

import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import type { NewDelivery, NewEvent } from "../../lib/event.ts";
import { eventId, parseId, readDeliveryId } from "../../lib/id.ts";
import { Owner } from "../../lib/lanes/owner.ts";
import { watch } from "../../lib/lanes/watch.ts";
import type { LanesConfig } from "../../lib/lanes/worker.ts";
import { Told } from "../../lib/locale/told.ts";
import { OWN_LANE } from "../../lib/own_lane.ts";
import type { Deferred, Outcome } from "../../lib/outcome.ts";
import { awaitedBy } from "../../lib/pipeline/route.ts";
import { redactor } from "../../lib/secret.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { Writer } from "../../lib/store/writer.ts";
import type { Delivery, Policy, Target } from "../../lib/targets/target.ts";
import { HandClock } from "../helpers/clock.ts";
import { type Made, type Program, Referee } from "./referee.ts";

export const NOTES = `${OWN_LANE}notes`;

const HOUR_MS = 3_600_000;

/** Most time that draining takes, in milliseconds, whatever happened before. */
const DRAIN_MS = 600_000;

/** How a target of a simulation is set up. */
export interface Setup {
  policy?: Partial<Policy>;
  /** How many order keys its deliveries have; some have none. */
  keys?: number;
  /** Its deliveries need something from {@link NOTES}. */
  need?: "optional" | "required";
}

/** Parts of all attempts that end in another way than delivered, one after the other. */
export interface Chances {
  retry: number;
  paused: number;
  dead: number;
  deferred: number;
  hangs: number;
}

export const well: Chances = { retry: 0, paused: 0, dead: 0, deferred: 0, hangs: 0 };

/** Never resolves: what a program waits for that was killed. */
const never = new Promise<never>(() => {});

/** A program that is at work. */
class Running implements Program {
  lostAt?: number;
  killedAt?: number;
  hasStopped = false;
  readonly #stopping = new AbortController();
  readonly writer: Writer;
  readonly owner: Owner;
  readonly #clock: Clock;
  readonly #store: Store;

  constructor(readonly name: number, world: Simulation) {
    this.#clock = this.#mortal(world.clock);
    this.#store = this.#mortal(world.watched);
    this.writer = new Writer(this.#store, this.#clock);
    this.owner = new Owner(this.#store, this.writer, world.configFor(this), this.#clock);
  }

  get isKilled(): boolean {
    return this.killedAt !== undefined;
  }

  async start(wasUnclean: boolean): Promise<void> {
    await this.owner.start(wasUnclean);
    watch(this.#store.lanes, this.owner, this.#clock, this.#stopping.signal);
  }

  kill(): void {
    this.killedAt = this.#clock.monotonic();
    this.lostAt ??= this.killedAt;
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    await this.owner.stop(drainMs);
    this.hasStopped = true;
  }

  /** The same, whose calls are answered no more once the program was killed. */
  #mortal<Tool extends object>(tool: Tool): Tool {
    return new Proxy(tool, {
      get: (_, name) => {
        const value = Reflect.get(tool, name);
        if (typeof value === "object" && value !== null) return this.#mortal(value);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const isTime = name === "now" || name === "monotonic" || name === "random";
          if (this.isKilled && !isTime) return name === "after" ? () => {} : never;
          const result = value.apply(tool, args);
          if (!(result instanceof Promise)) return result;
          return result.then(
            (one) => this.isKilled ? never : one,
            (error) => this.isKilled ? never : Promise.reject(error),
          );
        };
      },
    });
  }
}

export class Simulation {
  readonly clock: HandClock;
  readonly store: Store;
  readonly referee: Referee;
  readonly #folder: string;
  readonly #lanes: Map<string, Target>;
  readonly #setups: Record<string, Setup>;
  readonly #accepted = new Map<string, number>();
  readonly #paused = new Set<string>();
  chances: Chances = well;
  /** Of the lane of notes, where they are others. */
  chancesOfNotes?: Chances;
  /** Holds an attempt until what it gives resolves. */
  hold: (made: Made) => Promise<void> | undefined = () => undefined;
  /** Longest attempt that does not hang, in milliseconds. */
  longestMs = 800;
  current!: Running;
  #stale: Running[] = [];
  #programs = 0;
  #events = 0;

  constructor(seed: number, setups: Record<string, Setup>, own: Partial<Policy> = {}) {
    this.clock = new HandClock(Date.UTC(2026, 0, 5, 12), seed);
    this.#folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "relay-test-"));
    const path = join(this.#folder, "relay.db");
    this.store = openSqlite(path, this.clock);
    this.#setups = setups;
    this.#lanes = new Map(Object.entries(setups).map(([name, setup]) => [name, targetOf(name, setup)]));
    this.#lanes.set(NOTES, notesOf(own));
    this.referee = new Referee(path, this.#lanes, this.clock);
  }

  async close(): Promise<void> {
    for (const one of [this.current, ...this.#stale]) one.kill();
    this.referee.close();
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The store, with the referee told of what it takes. */
  get watched(): Store {
    const { store, referee } = this;
    return new Proxy(store, {
      get: (_, name) => {
        if (name !== "write") {
          const value = Reflect.get(store, name);
          return typeof value === "function" ? value.bind(store) : value;
        }
        return async (batch: Parameters<Store["write"]>[0]) => {
          const written = await store.write(batch);
          batch.lanes.forEach(({ epoch, records }, lane) => referee.keep(epoch.lane, records, written.lanes[lane]!));
          return written;
        };
      },
    });
  }

  configFor(program: Running): LanesConfig {
    const lanes = [...this.#lanes].map(([name, target]): [string, Target] => [name, {
      ...target,
      deliver: (delivery, signal) => this.#deliver(program, target, delivery, signal),
    }]);
    return {
      routes: [],
      sources: [],
      lanes: new Map(lanes),
      retry: { scheduleMs: [1_000, 5_000, 20_000, 60_000], jitter: 0.2 },
      redact: redactor([]),
    };
  }

  async #deliver(
    program: Running,
    { name, policy }: Target,
    delivery: Delivery,
    signal: AbortSignal,
  ): Promise<Outcome | Deferred> {
    if (program.isKilled) return await never;
    const made = this.referee.start(program, name, delivery);
    await this.hold(made);
    const outcome = this.#chosen(`#${made.serial}.`, name);
    // Two programs in a row never make attempts that differ in nothing.
    const ms = 2 * this.among(Math.ceil(this.longestMs / 2)) + 1 + program.name % 2;
    await this.clock.sleep(outcome ? ms : HOUR_MS, signal);
    if (program.isKilled) return await never;
    const wasLong = this.clock.monotonic() - made.startedAt >= policy.timeoutMs;
    const late = { kind: "retry", reason: "timed_out", detail: Told.of(`#${made.serial}.`) } as const;
    const last = signal.aborted && !wasLong ? undefined : outcome ?? late;
    this.referee.end(made, last);
    if (signal.aborted && last?.kind === "delivered") throw new Error("it was to be ended");
    return last ?? late;
  }

  /** By chance; `undefined` where it hangs. */
  #chosen(text: string, lane: string): Outcome | Deferred | undefined {
    const { retry, paused, dead, deferred, hangs } = (lane === NOTES ? this.chancesOfNotes : undefined) ?? this.chances;
    const failure = { reason: "server_failed", detail: Told.of(text) } as const;
    let chance = this.clock.random();
    if ((chance -= retry) < 0) return { kind: "retry", ...failure };
    if ((chance -= paused) < 0) return { kind: "retry", ...failure, pauseMs: this.among(3_000) + 1 };
    if ((chance -= dead) < 0) return { kind: "dead", ...failure };
    if ((chance -= deferred) < 0) return { kind: "deferred", pauseMs: this.among(3_000) + 1 };
    if ((chance -= hangs) < 0) return undefined;
    const fetched = lane === NOTES ? Buffer.from('{"id":"n1","name":"Rex"}') : undefined;
    return { kind: "delivered", answer: text, fetched };
  }

  /** A whole number from 0 to under this one, by chance. */
  among(count: number): number {
    return Math.floor(this.clock.random() * count);
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.among(items.length)];
  }

  /** Starts a program, which takes the lanes over. */
  async start(wasUnclean = false): Promise<void> {
    const next = new Running(++this.#programs, this);
    if (this.current && !this.current.hasStopped && !this.current.isKilled) {
      this.current.lostAt = this.clock.monotonic();
      this.#stale.push(this.current);
    }
    this.current = next;
    this.referee.takeOver(next);
    await next.start(wasUnclean);
  }

  async stop(program = this.current): Promise<void> {
    let isDone = false;
    program.stop(this.among(4_000)).then(() => isDone = true);
    while (!isDone) await this.clock.run(20);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async crash(): Promise<void> {
    this.current.kill();
    await this.clock.run(this.among(500));
    await this.start(true);
  }

  /** Another program takes the lanes over, and the one before goes on for a while. */
  async overtake(): Promise<void> {
    await this.start();
    await this.clock.run(this.among(1_000));
    const [stale] = this.#stale.splice(0, 1);
    if (this.among(2) === 0) stale!.kill();
    else await this.stop(stale);
  }

  #deliveryTo(target: string): NewDelivery {
    const { keys = 0 } = this.#setups[target]!;
    const key = this.among(keys + 1);
    return key === 0 ? { target } : { target, orderKey: `key ${key}` };
  }

  /** Some events come in, in the same moment. */
  accept(count = this.among(6) + 1): void {
    const names = Object.keys(this.#setups);
    for (let one = 0; one < count; one++) {
      const targets = new Set([this.#pick(names)!, this.#pick(names)!]);
      this.acceptOne([...targets].map((target) => {
        const { enrich } = this.#lanes.get(target)!;
        return { ...this.#deliveryTo(target), awaits: enrich && awaitedBy(enrich) };
      }));
    }
  }

  acceptOne(deliveries: NewDelivery[]): void {
    const program = this.current;
    const event: NewEvent = {
      id: eventId("source", `${++this.#events}`, this.#events),
      source: "clinic",
      type: "note.completed",
      receivedAt: this.clock.now(),
      body: Buffer.from('{"event":"note.completed","data":{"note_id":"n1"}}'),
      headers: {},
      secretIndex: 0,
      problems: [],
      deliveries,
    };
    program.writer.accept(event).then((seq) => {
      const awaited = new Set(deliveries.map(({ awaits }) => awaits?.lane));
      this.#accepted.set(Buffer.from(event.id).toString("hex"), deliveries.length + (awaited.has(NOTES) ? 1 : 0));
      program.owner.offer(event, seq!);
    });
  }

  /** An operator retries deliveries of some event, whatever became of them. */
  async retry(): Promise<void> {
    const story = await this.#someStory();
    for (const { ref, target, state } of story?.deliveries ?? []) {
      if (state === "delivered") continue;
      this.referee.touch(target, [ref]);
      await this.store.retry([ref], this.clock.now());
    }
  }

  async replay(): Promise<void> {
    const story = await this.#someStory();
    const target = this.#pick(Object.keys(this.#setups))!;
    if (!story) return;
    const deliveries = [this.#deliveryTo(target)];
    const [ids] = await this.store.redeliver([{ seq: story.seq, deliveries }], this.clock.now());
    const refs = ids!.map((id) => ({ event: story.seq, number: readDeliveryId(parseId(id)!).number }));
    this.referee.touch(target, refs);
  }

  async #someStory() {
    const number = this.among(this.#events) + 1;
    return this.#events === 0 ? undefined : await this.store.story(eventId("source", `${number}`, number));
  }

  async pauseOrResume(): Promise<void> {
    const target = this.#pick(Object.keys(this.#setups))!;
    if (this.#paused.delete(target)) await this.store.resume(target);
    else if (this.#paused.size < 2) {
      this.#paused.add(target);
      await this.store.pause(target, this.clock.now());
    }
  }

  /** Somebody sets the clock, by hours either way. */
  setClock(): void {
    const byMs = Math.round((this.clock.random() * 12 - 6) * HOUR_MS);
    this.referee.clockWasSet(byMs);
    this.clock.set(this.clock.now() + byMs);
  }

  /** Lets what is live come to its end, with targets that are well. */
  async drain(): Promise<void> {
    this.chances = well;
    this.chancesOfNotes = undefined;
    for (const target of this.#paused) await this.store.resume(target);
    this.#paused.clear();
    const end = this.clock.monotonic() + DRAIN_MS;
    while ((await this.store.lanes.waiting()).length > 0 && this.clock.monotonic() < end) await this.clock.run(2_000);
    await this.stop();
    this.referee.finish(this.#accepted);
  }
}

function targetOf(name: string, { policy, need }: Setup): Target {
  return {
    name,
    kind: "scripted",
    policy: { timeoutMs: 3_000, concurrency: 4, rates: [], ...policy },
    address: name,
    secrets: [],
    warnings: [],
    enrich: need && { lane: NOTES, isOptional: need === "optional", url: "", key: "" },
    render: () => ({}),
    deliver: () => never,
  };
}

function notesOf(policy: Partial<Policy>): Target {
  return {
    ...targetOf(NOTES, { policy: { retry: { scheduleMs: [], jitter: 0 }, ...policy } }),
    expired: () => ({ kind: "dead", reason: "note_unavailable", detail: Told.of("too late") }),
  };
}
