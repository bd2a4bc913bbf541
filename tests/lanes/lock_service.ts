/** A database as a lock service, and relays that share it, in simulated time: with lines that break and processes that stop. */

import type { Clock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import { type Claimant, Membership } from "../../lib/lanes/membership.ts";
import type { HeldLane, Meeting, Member, MemberStore, Word } from "../../lib/store/members.ts";
import type { Epoch } from "../../lib/store/mod.ts";
import type { HandClock } from "../helpers/clock.ts";

/** The server ends a session in which nothing was said for so long, in milliseconds. */
const SILENCE_MS = 20_000;

/** Whoever waits for an answer gives up after so long, in milliseconds. */
const ANSWER_MS = 5_000;

interface Row {
  epoch: Epoch;
  isGivenUp: boolean;
}

interface SessionState {
  relay: Relay;
  heardAt: number;
  locks: Set<string>;
}

export class LockService {
  readonly clock: HandClock;
  readonly rows = new Map<string, Row>();
  #sessions: SessionState[] = [];

  constructor(clock: HandClock) {
    this.clock = clock;
  }

  #expire(): void {
    const now = this.clock.monotonic();
    this.#sessions = this.#sessions.filter(({ heardAt }) => now - heardAt < SILENCE_MS);
  }

  /** Ends a relay's session, as a server does that sees its connection closed. @returns Whether there was one. */
  end(relay: Relay): boolean {
    const before = this.#sessions.length;
    this.#sessions = this.#sessions.filter((one) => one.relay !== relay);
    return this.#sessions.length < before;
  }

  /** Lanes whose locks a relay holds. */
  locksOf(relay: Relay): string[] {
    return [...this.#sessions.find((one) => one.relay === relay)?.locks ?? []];
  }

  isThere(relay: Relay): boolean {
    this.#expire();
    return this.#sessions.some((one) => one.relay === relay);
  }

  meet(relay: Relay, word: Word): Meeting {
    this.#expire();
    let own = this.#sessions.find((one) => one.relay === relay);
    if (!own) this.#sessions.push(own = { relay, heardAt: 0, locks: new Set() });
    own.heardAt = this.clock.monotonic();
    relay.said = word;
    for (const lane of word.release) own.locks.delete(lane);
    for (const lane of word.take) {
      if (!this.rows.has(lane)) this.rows.set(lane, { epoch: { lane, number: 0, token: "" }, isGivenUp: true });
      if (!this.#sessions.some(({ locks }) => locks.has(lane))) own.locks.add(lane);
    }
    return {
      me: relay.number,
      members: this.#sessions.map(({ relay: one }): Member => ({
        number: one.number,
        name: one.name,
        token: one.token,
        version: "1",
        lanes: one.said.lanes,
        isLeaving: one.said.isLeaving,
      })),
      held: new Map([...own.locks].map((lane): [string, HeldLane] => [lane, { ...this.rows.get(lane)! }])),
    };
  }

  own(seen: readonly Pick<Epoch, "lane" | "number">[], token: string): Map<string, Epoch> {
    if (seen.some(({ lane, number }) => (this.rows.get(lane)?.epoch.number ?? 0) !== number)) {
      throw new StoreError("Cannot take lanes over: one was taken over meanwhile");
    }
    return new Map(seen.map(({ lane, number }) => {
      const epoch = { lane, number: number + 1, token };
      this.rows.set(lane, { epoch, isGivenUp: false });
      return [lane, epoch];
    }));
  }

  giveUp(epoch: Epoch): void {
    const row = this.rows.get(epoch.lane);
    if (row?.epoch.number === epoch.number && row.epoch.token === epoch.token) row.isGivenUp = true;
  }
}

/** An attempt in a lane, in milliseconds of the simulation. */
export interface Made {
  lane: string;
  relay: string;
  from: number;
  to: number;
}

/** The clock of a process that may be stopped, on a machine whose wall clock is another one. */
class ProcessClock implements Clock {
  readonly #clock: HandClock;
  readonly #wallMs: number;
  #isStopped = false;
  #late: (() => void)[] = [];

  constructor(clock: HandClock, wallMs: number) {
    this.#clock = clock;
    this.#wallMs = wallMs;
  }

  now = () => this.#clock.now() + this.#wallMs;
  monotonic = () => this.#clock.monotonic();
  random = () => this.#clock.random();
  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await this.#clock.sleep(ms, signal);
    await this.awake();
  };
  after = (ms: number, callBack: () => void): () => void => {
    let isCancelled = false;
    this.sleep(ms).then(() => isCancelled || callBack());
    return () => isCancelled = true;
  };

  /** Resolves at once, or when the process goes on. */
  async awake(): Promise<void> {
    if (this.#isStopped) await new Promise<void>((resolve) => this.#late.push(resolve));
  }

  stop(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    this.#isStopped = false;
    for (const resolve of this.#late.splice(0)) resolve();
  }
}

/** A relay that always has something to make in each of its lanes. */
export class Relay implements Claimant, MemberStore {
  readonly token: string;
  readonly number: number;
  readonly name: string;
  readonly made: Made[] = [];
  onLost = () => {};
  said: Word = { lanes: [], isLeaving: false, take: [], release: [] };
  /** Nothing gets through to the database, or its answers do not. */
  isCut = false;
  isDeaf = false;
  /** Sessions are opened, and end at their first word. */
  isRefused = false;
  /** Lanes cannot be given up. */
  cannotGiveUp = false;
  /** How often it tried to meet the others, and was woken. */
  meetings = 0;
  wakes = 0;
  /** How long an attempt takes at most, and a word to the database or back. */
  mostMs = 15_000;
  wayMs = 2;
  lanes: readonly string[];
  readonly clock: ProcessClock;
  readonly membership: Membership;
  readonly #service: LockService;
  readonly #owned = new Map<string, Epoch>();
  readonly #running = new Map<string, { made: Made; cut: AbortController; ended: Promise<void> }>();
  readonly #leaving = new Set<string>();
  #isDead = false;

  /** @param start Tells it from the one of this number that was started before. */
  constructor(service: LockService, number: number, lanes: readonly string[], start = "") {
    this.#service = service;
    this.number = number;
    this.name = `server-${number}`;
    this.token = `${this.name} ${start}`;
    this.lanes = lanes;
    this.clock = new ProcessClock(service.clock, number * 300_000);
    this.membership = new Membership(this, [this], this.token, this.clock);
  }

  async start(): Promise<void> {
    this.#work();
    await this.membership.start();
  }

  /** Ends at once. */
  kill(): void {
    this.#isDead = true;
    this.clock.stop();
    this.#service.end(this);
    for (const { cut } of this.#running.values()) cut.abort();
  }

  /** Its session is ended by the server, which tells it. */
  loseSession(): void {
    if (this.#service.end(this)) this.onLost();
  }

  names = () => [...this.lanes];
  spare = () => [];
  all = () => Promise.resolve([]);
  takeovers = () => Promise.resolve([]);
  tellCrash = () => Promise.resolve();
  removeOld = () => Promise.resolve(false);

  wake(): void {
    this.wakes++;
  }

  async meet(word: Word): Promise<Meeting> {
    this.meetings++;
    await this.clock.sleep(this.wayMs);
    if (this.isRefused) {
      this.onLost();
      throw new StoreError("Cannot meet the other relays: the disk is full");
    }
    if (!this.isCut) {
      const meeting = this.#service.meet(this, word);
      if (!this.isDeaf) {
        await this.clock.sleep(this.wayMs);
        return meeting;
      }
    }
    await this.clock.sleep(ANSWER_MS);
    this.onLost();
    throw new StoreError("Cannot meet the other relays: the server did not answer in time");
  }

  async take(lanes: readonly Epoch[]): Promise<Map<string, Epoch>> {
    await this.clock.sleep(5);
    if (this.isCut || this.isDeaf) throw new StoreError("Cannot take lanes over: the server did not answer in time");
    const epochs = this.#service.own(lanes, this.token);
    for (const [lane, epoch] of epochs) this.#owned.set(lane, epoch);
    return epochs;
  }

  async giveUp(lane: string): Promise<void> {
    this.#leaving.add(lane);
    await this.#running.get(lane)?.ended;
    if (this.cannotGiveUp) throw new StoreError("Cannot give lanes up: the server did not answer in time");
    const epoch = this.#owned.get(lane);
    if (epoch) this.#service.giveUp(epoch);
    this.#owned.delete(lane);
    this.#leaving.delete(lane);
  }

  lose(lane: string): void {
    const epoch = this.#owned.get(lane);
    if (epoch && !this.#running.has(lane) && !this.isCut && !this.cannotGiveUp) this.#service.giveUp(epoch);
    this.#owned.delete(lane);
    this.#running.get(lane)?.cut.abort();
  }

  async #work(): Promise<void> {
    while (!this.#isDead) {
      for (const lane of this.#owned.keys()) {
        if (this.#running.has(lane) || this.#leaving.has(lane) || !this.membership.mayBegin(lane)) continue;
        this.#make(lane);
      }
      await this.clock.sleep(50);
    }
  }

  /** What is sent is under way until it is answered or aborted, whether the process is stopped or not. */
  #make(lane: string): void {
    const from = this.#service.clock.monotonic();
    const made = { lane, relay: this.name, from, to: Infinity };
    this.made.push(made);
    const cut = new AbortController();
    const tookMs = 100 + this.#service.clock.random() * this.mostMs;
    const ended = this.#service.clock.sleep(tookMs, cut.signal).then(() => {
      made.to = this.#service.clock.monotonic();
      this.#running.delete(lane);
    });
    this.#running.set(lane, { made, cut, ended });
  }
}
