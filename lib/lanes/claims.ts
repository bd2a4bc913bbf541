/**
 * Which lanes a relay owns alongside other relays, from what it saw of them and when. It never relies on another
 * machine's clock: a lock that this relay holds was free before, and one that it may have lost counts as lost.
 */

import type { Clock } from "../clock.ts";
import { type Epoch, isSameEpoch } from "../store/epoch.ts";
import type { HeldLane, Meeting, Word } from "../store/members.ts";
import { ownerOf } from "./rendezvous.ts";

/** No attempt starts once the last answered word is older than this, in milliseconds. */
const BEGIN_MS = 9_000;

/** Attempts under way are aborted once the last answered word is older than this, in milliseconds. */
export const ABORT_MS = 14_000;

/**
 * No attempt starts for this long, in milliseconds, in a lane that its owner did not give up: the lock may be free
 * while that owner lives on, and it aborts sooner than this.
 */
const WAIT_MS = 15_000;

/**
 * For this long after a lost session, in milliseconds, a relay wants only what it held: whatever ended its session may
 * have ended those of others, which come back to their lanes a little later.
 */
const PATIENCE_MS = 2_000;

/** The state of a lane whose lock this relay holds or held. */
type Phase = "waiting" | "taking" | "owned" | "leaving" | "left";

interface Claim {
  phase: Phase;
  /** When the lock was acquired, by the monotonic clock. */
  since: number;
  /** The epoch of the takeover. */
  epoch?: Epoch;
  /** It could not be given up, and must be: nothing more starts in it, and its row may already say that it was. */
  mustLeave?: boolean;
}

/** What follows from a meeting. */
export interface Steps {
  /** To take over now, as they were seen. */
  take: Epoch[];
  /** To start nothing more in, and to give up once nothing is under way. */
  giveUp: Epoch[];
  /** To abort what is under way in, since another relay may own it. */
  lose: string[];
}

export class Claims {
  readonly #clock: Clock;
  readonly #token: string;
  readonly #claims = new Map<string, Claim>();
  /** Lanes that this relay should own and whose locks it does not hold. */
  #wanted: string[] = [];
  /** Some of them have not been requested yet. */
  #isEager = false;
  /** When the last answered word was sent, by both clocks. */
  #heard = { monotonic: -Infinity, now: -Infinity };
  #hasSession = false;
  /** When the first word after a lost session was answered, by the monotonic clock. */
  #backAt = -Infinity;

  /**
   * @param clock This machine's.
   * @param token Identifies this relay as an owner.
   */
  constructor(clock: Clock, token: string) {
    this.#clock = clock;
    this.#token = token;
  }

  /** Lanes that this relay owns, as far as it knows. */
  get owned(): string[] {
    return [...this.#claims].filter(([, { phase }]) => phase === "owned").map(([lane]) => lane);
  }

  /** Whether this relay holds no lane's lock, as far as it knows. */
  get isEmpty(): boolean {
    return this.#claims.size === 0;
  }

  /** Whether it is certain enough that no other relay owns what this one owns. */
  get isSure(): boolean {
    return this.#hasSession && this.#unheardMs() < BEGIN_MS;
  }

  /** Whether an attempt may start in this lane now. */
  mayBegin(lane: string): boolean {
    return this.isSure && this.#claims.get(lane)?.phase === "owned";
  }

  /**
   * A suspended machine's monotonic clock stops, and a clock set back shows too little time: the larger value counts.
   */
  #unheardMs(): number {
    return Math.max(this.#clock.monotonic() - this.#heard.monotonic, this.#clock.now() - this.#heard.now);
  }

  /** The next word to send. @param lanes What the config names. */
  word(lanes: readonly string[], isLeaving: boolean): Word {
    this.#isEager = false;
    const left = [...this.#claims].filter(([, { phase }]) => phase === "left").map(([lane]) => lane);
    const kept = [...this.#claims.keys()].filter((lane) => !left.includes(lane));
    return { lanes, isLeaving, take: [...new Set([...kept, ...this.#wanted])], release: left };
  }

  /**
   * Applies the answer to a word.
   * @param said That word.
   * @param sent When it was sent, by both clocks.
   * @param spare Lanes of relay's own that possibly no config names.
   */
  learn(
    { me, members, held }: Meeting,
    said: Word,
    sent: { monotonic: number; now: number },
    spare: readonly string[] = [],
  ): Steps {
    this.#hear(sent);
    const steps: Steps = { take: [], giveUp: [], lose: [] };
    for (const lane of said.release) {
      if (this.#claims.get(lane)?.phase === "left") this.#claims.delete(lane);
    }
    for (const [lane, { phase, epoch }] of this.#claims) {
      const row = held.get(lane);
      const isOurs = row !== undefined && (epoch === undefined || isSameEpoch(row.epoch, epoch));
      if (isOurs) continue;
      this.#claims.delete(lane);
      if (phase !== "waiting" && phase !== "left") steps.lose.push(lane);
    }
    const isPatient = this.#clock.monotonic() < this.#backAt + PATIENCE_MS;
    const nameable = new Set([...said.lanes, ...spare]);
    const known = new Set([...members.flatMap(({ lanes }) => lanes), ...held.keys(), ...spare]);
    this.#wanted = [];
    for (const lane of known) {
      const owner = ownerOf(lane, members);
      const isToOwn = owner?.number === me;
      const row = held.get(lane);
      // It was lost, or its takeover did not finish: its next owner would wait, unless this relay takes it again and
      // gives it up.
      const isOwn = row?.epoch.token === this.#token && nameable.has(lane);
      // Its last owner resumes it at once, if it is back before the lane has another owner.
      const isBack = row !== undefined && owner?.token === row.epoch.token;
      const mayKeep = isToOwn || isOwn || (said.lanes.includes(lane) && !said.isLeaving && !isBack);
      if (row) this.#decide(row, { isToOwn, isOwn, mayKeep }, steps);
      else if (isToOwn && !isPatient) this.#wanted.push(lane);
    }
    this.#isEager = this.#wanted.some((lane) => !said.take.includes(lane));
    return steps;
  }

  #hear(sent: { monotonic: number; now: number }): void {
    const now = this.#clock.monotonic();
    if (!this.#hasSession && this.#heard.monotonic > -Infinity) {
      this.#backAt = now;
      for (const claim of this.#claims.values()) claim.since = now; // their locks are new
    }
    this.#heard = sent;
    this.#hasSession = true;
  }

  /**
   * @param isToOwn This relay should own it.
   * @param isOwn This relay took it over last, and can again.
   * @param mayKeep This relay should own it, could be the one that should, or took it over last.
   */
  #decide(
    { epoch, isGivenUp }: HeldLane,
    { isToOwn, isOwn, mayKeep }: { isToOwn: boolean; isOwn: boolean; mayKeep: boolean },
    { take, giveUp }: Steps,
  ): void {
    const { lane } = epoch;
    const now = this.#clock.monotonic();
    const claim = this.#claims.get(lane) ?? { phase: "waiting", since: now };
    this.#claims.set(lane, claim);
    if (claim.phase === "owned" && (!isToOwn || claim.mustLeave)) {
      claim.phase = "leaving";
      giveUp.push(claim.epoch!);
    }
    if (claim.phase !== "waiting") return;
    const isOver = isGivenUp || isOwn || now >= claim.since + WAIT_MS;
    // A lane that was not given up is waited for in full, even if another relay should own it by now: that one would
    // have to start the wait over.
    if (!isToOwn && (isGivenUp || !mayKeep)) claim.phase = "left";
    else if (isOver) {
      claim.phase = "taking";
      take.push(epoch);
    }
  }

  /** In how many milliseconds there may be something to do: 0, the time until a lane's wait is over, or `Infinity`. */
  get nextMs(): number {
    if (this.#isEager) return 0;
    const now = this.#clock.monotonic();
    const waits = [...this.#claims.values()].filter(({ phase }) => phase === "waiting")
      .map(({ since }) => since + WAIT_MS - now);
    return Math.min(...waits.filter((ms) => ms > 0));
  }

  /** Marks a lane as taken over. Returns whether it is still this relay's. */
  taken(lane: string, epoch: Epoch): boolean {
    const claim = this.#claims.get(lane);
    // After a suspend, it may be taken over twice, with the same result.
    if (claim?.epoch) return isSameEpoch(claim.epoch, epoch);
    if (claim?.phase !== "taking") return false;
    Object.assign(claim, { phase: "owned", epoch });
    return true;
  }

  /** Marks a lane that could not be taken over, to be tried again. */
  notTaken(lane: string): void {
    const claim = this.#claims.get(lane);
    if (claim?.phase === "taking") claim.phase = "waiting";
  }

  /** Marks a lane as given up; the next word releases its lock. Returns whether it had not been lost before. */
  left(epoch: Epoch): boolean {
    const claim = this.#leaving(epoch);
    if (claim) claim.phase = "left";
    return claim !== undefined;
  }

  /** Marks a lane that could not be given up, to be tried again. */
  notLeft(epoch: Epoch): void {
    const claim = this.#leaving(epoch);
    if (claim) Object.assign(claim, { phase: "owned", mustLeave: true });
  }

  /** It may have been lost meanwhile, and taken over again. */
  #leaving(epoch: Epoch): Claim | undefined {
    const claim = this.#claims.get(epoch.lane);
    return claim?.phase === "leaving" && isSameEpoch(claim.epoch!, epoch) ? claim : undefined;
  }

  /** The session ended, and with it every lock. */
  sessionLost(): void {
    this.#hasSession = false;
    this.#wanted = [];
    for (const [lane, { phase }] of this.#claims) {
      if (phase === "waiting" || phase === "left") this.#claims.delete(lane);
    }
  }

  /** Returns the lanes that are lost because no word was answered for too long. */
  expire(): string[] {
    if (this.#unheardMs() < ABORT_MS) return [];
    const lost = [...this.#claims].filter(([, { phase }]) => phase !== "waiting" && phase !== "left");
    this.#claims.clear();
    return lost.map(([lane]) => lane);
  }
}
