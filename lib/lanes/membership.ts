/**
 * Membership: meets the other relays once a second, and takes over, gives up and loses lanes as {@link Claims} says.
 */

import { type Clock, within } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { isOwnLane } from "../own_lane.ts";
import type { Epoch } from "../store/mod.ts";
import type { Member, MemberStore } from "../store/members.ts";
import { ABORT_MS, Claims } from "./claims.ts";

/** Interval between words, in milliseconds. */
const WORD_MS = 1_000;

/** Polling interval for what other relays accepted, in milliseconds, while there are any. */
const POLL_MS = 150;

/** Polling interval, on stop, for whether everything is given up, in milliseconds. */
const LEAVE_MS = 20;

/** How long the last word may take, in milliseconds. */
const LAST_WORD_MS = 1_000;

/** Timers may fire this much too early, in milliseconds. */
const TIMER_SLACK_MS = 1;

/** Owns lanes in this relay. */
export interface Claimant {
  /** Lanes that the config names: what it can own. */
  names(): readonly string[];
  /** Lanes of relay's own that it found, and can own if no relay's config names them. */
  spare(): readonly string[];
  /**
   * Takes over those of these lanes that it can still own.
   * @param lanes As they were seen: if one has changed since, none is taken over.
   * @throws {StoreError} in that case, or if the store cannot write now.
   */
  take(lanes: readonly Epoch[]): Promise<Map<string, Epoch>>;
  /**
   * Starts nothing more in a lane; resolves once nothing is under way there and the store knows.
   * @throws {StoreError} if the store cannot write now.
   */
  giveUp(lane: string): Promise<void>;
  /** Aborts what is under way in a lane, and forgets the lane. */
  lose(lane: string): void;
  /** Signals that more may start than before, or that more may be due. */
  wake(): void;
}

/** What is known of the relays that share the store. */
export interface MembershipView {
  members: readonly Member[];
  owned: readonly string[];
}

export class Membership {
  readonly #store: MemberStore;
  readonly #claimants: readonly Claimant[];
  readonly #claims: Claims;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  /** The claimant that owns each lane taken over, or about to be. */
  readonly #claimantOf = new Map<string, Claimant>();
  #members: readonly Member[] = [];
  #isLeaving = false;
  #wake = new AbortController();
  #loop?: Promise<void>;
  #cancelExpiry = () => {};

  /**
   * @param clock This machine's.
   * @param token Identifies this relay as an owner.
   */
  constructor(store: MemberStore, claimants: readonly Claimant[], token: string, clock: Clock) {
    this.#store = store;
    this.#claimants = claimants;
    this.#clock = clock;
    this.#claims = new Claims(clock, token);
    store.onLost = () => {
      this.#claims.sessionLost();
      this.#hurry();
    };
  }

  get view(): MembershipView {
    return { members: this.#members, owned: this.#claims.owned };
  }

  /** Whether an attempt may start in this lane now. */
  mayBegin = (lane: string): boolean => this.#claims.mayBegin(lane);

  /**
   * Meets the others for the first time, and from then on regularly.
   * @throws {StoreError} if the store cannot be reached now.
   */
  async start(): Promise<void> {
    await this.#meet();
    await this.#meet(); // the first answer says what to take
    this.#loop = this.#run();
    this.#poll();
  }

  /** Signals that what claimants can own has changed. */
  changed(): void {
    this.#hurry();
  }

  /**
   * Gives up each lane as soon as nothing is under way there, so that others can take it at once.
   * @param drainMs The longest wait. A database that does not answer is not waited for.
   * @param ended Until it resolves, something may be under way, which is aborted in time even without another answer.
   */
  async stop(drainMs: number, ended: Promise<unknown> = Promise.resolve()): Promise<void> {
    this.#isLeaving = true;
    this.#hurry();
    const end = this.#clock.monotonic() + drainMs;
    while (!this.#claims.isEmpty && this.#claims.isSure && this.#clock.monotonic() < end) {
      await this.#clock.sleep(LEAVE_MS);
    }
    this.#ended.abort();
    this.#wake.abort();
    await within(LAST_WORD_MS, this.#loop ?? Promise.resolve(), this.#clock);
    await ended;
    this.#cancelExpiry();
  }

  #hurry(): void {
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#ended.signal.aborted;) {
      // A session that ended is reopened at once, but one that keeps ending only after a pause.
      if (failures > 1) await this.#clock.sleep(WORD_MS, this.#ended.signal);
      else await this.#clock.sleep(Math.min(WORD_MS, this.#claims.nextMs + TIMER_SLACK_MS), this.#wake.signal);
      if (this.#ended.signal.aborted) return;
      this.#wake = new AbortController();
      this.#expire(); // the machine may have been suspended
      try {
        await this.#meet();
        failures = 0;
      } catch (error) {
        failures++;
        this.#claims.sessionLost();
        log.error("cannot check on the other relays: {problem}", { problem: explain(error) });
      }
    }
  }

  /** Polls for what other relays accepted: nothing else reports it. */
  async #poll(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#clock.sleep(POLL_MS, this.#ended.signal);
      if (this.#members.length > 1) this.#wakeAll();
    }
  }

  #wakeAll(): void {
    for (const one of this.#claimants) one.wake();
  }

  async #meet(): Promise<void> {
    const sent = { monotonic: this.#clock.monotonic(), now: this.#clock.now() };
    const word = this.#claims.word(this.#all((one) => one.names()), this.#isLeaving);
    const meeting = await this.#store.meet(word);
    const { take, giveUp, lose } = this.#claims.learn(meeting, word, sent, this.#all((one) => one.spare()));
    this.#expireLater(sent.monotonic);
    this.#tellOf(meeting.members);
    this.#members = meeting.members;
    for (const lane of lose) this.#lose(lane);
    for (const epoch of giveUp) this.#giveUp(epoch);
    const taken = this.#claimants.flatMap((one) => {
      const names = new Set([...one.names(), ...one.spare()]);
      const lanes = take.filter(({ lane }) => names.has(lane));
      this.#take(one, lanes);
      return lanes;
    });
    for (const seen of take) if (!taken.includes(seen)) this.#claims.notTaken(seen.lane); // a reload came in between
    this.#wakeAll(); // a relay that is no longer seen may have just accepted something, or still accept it
  }

  #all(names: (claimant: Claimant) => readonly string[]): string[] {
    return this.#claimants.flatMap(names);
  }

  #expireLater(heardAt: number): void {
    this.#cancelExpiry();
    const inMs = heardAt + ABORT_MS - this.#clock.monotonic() + TIMER_SLACK_MS;
    this.#cancelExpiry = this.#clock.after(inMs, () => this.#expire());
  }

  #expire(): void {
    for (const lane of this.#claims.expire()) this.#lose(lane);
  }

  async #take(claimant: Claimant, lanes: readonly Epoch[]): Promise<void> {
    if (lanes.length === 0) return;
    try {
      const epochs = await claimant.take(lanes);
      for (const { lane } of lanes) {
        const epoch = epochs.get(lane);
        if (!epoch) {
          this.#claims.notTaken(lane); // a reload came in between
          continue;
        }
        this.#claimantOf.set(lane, claimant);
        if (!this.#claims.taken(lane, epoch)) this.#lose(lane);
        else if (!isOwnLane(lane)) log.info("took over the deliveries to {target}", { target: lane });
      }
      claimant.wake();
    } catch (error) {
      log.error("cannot take over lanes: {problem}", { problem: explain(error) });
      for (const { lane } of lanes) this.#claims.notTaken(lane);
    }
  }

  async #giveUp(epoch: Epoch): Promise<void> {
    const { lane } = epoch;
    try {
      await this.#claimantOf.get(lane)?.giveUp(lane);
      if (!this.#claims.left(epoch)) return;
      this.#claimantOf.delete(lane);
      if (!isOwnLane(lane)) log.info("gave up the deliveries to {target}", { target: lane });
      this.#hurry();
    } catch (error) {
      log.error("cannot give up {lane}: {problem}", { lane, problem: explain(error) });
      this.#claims.notLeft(epoch);
    }
  }

  #lose(lane: string): void {
    this.#claimantOf.get(lane)?.lose(lane);
    this.#claimantOf.delete(lane);
    if (isOwnLane(lane)) return;
    log.error(
      "lost the deliveries to {target}: attempts under way are aborted, and the relay that owns them now repeats them",
      {
        target: lane,
      },
    );
  }

  #tellOf(members: readonly Member[]): void {
    const [before, now] = [this.#members, members].map((all) => new Set(all.map(({ name }) => name)));
    for (const { name, version } of members) {
      if (!before!.has(name)) log.info("relay {name} ({version}) has joined", { name, version });
    }
    for (const { name } of this.#members) if (!now!.has(name)) log.warn("relay {name} is gone", { name });
  }
}
