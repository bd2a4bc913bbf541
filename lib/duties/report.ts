/** Reporting: what a relay says of itself in the store, for those who ask beside it or after it, and what it refused. */

import { type Clock, within } from "../clock.ts";
import { ConfigError, sayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { Told } from "../locale/told.ts";
import { type Refusal, type Refused, sumRefused } from "../refusal.ts";
import type { Redact } from "../secret.ts";
import type { Store } from "../store/mod.ts";
import { REFUSALS_KEPT_MS, type Run } from "../store/runs.ts";

/** Pause between two looks at what is to be written, in milliseconds: a flood of refusals is one write in it. */
const PAUSE_MS = 2_000;

/** How often a relay that has nothing new to say says that it lives, in milliseconds. */
const HEARD_MS = 15_000;

/** How long the last word may take, in milliseconds; a store that is locked takes none. */
const LAST_WORD_MS = 1_000;

/** What a relay says of itself from the start. */
export type Beginning = Pick<Run, "pid" | "version" | "bootId" | "config" | "fingerprint" | "targets">;

/** Speaks for one relay. What the store does not take is kept, and said with the next word. */
export class Reporter {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #run: Run;
  #hasNews = true;
  /** Refused requests that are not in the store yet, by minute, source and reason; and those on their way there. */
  #refused = new Map<string, Refused>();
  #leaving: Refused[] = [];
  #ended?: Promise<void>;
  #wake = new AbortController();

  constructor(store: Store, run: Beginning, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#run = { ...run, since: clock.now(), heardAt: clock.now(), listeners: [] };
  }

  /** What it says now. */
  get run(): Run {
    return this.#run;
  }

  /** Begins to speak. The first word takes the place of another relay's last one. */
  async start(): Promise<void> {
    this.#run = { ...this.#run, since: this.#clock.now() }; // a store that is served by now has told its time
    await this.#say();
    this.#ended = this.#speak();
  }

  /** Says something new of itself. */
  tell(news: Partial<Pick<Run, "listeners" | "targets" | "config" | "fingerprint" | "refusedReload">>): void {
    this.#run = { ...this.#run, ...news };
    this.#hasNews = true;
    this.#wake.abort();
  }

  /** A reload found a sound config. */
  reloaded(news: Pick<Run, "config" | "fingerprint" | "targets">): void {
    this.tell({ ...news, refusedReload: undefined });
  }

  /** A reload found a config that is not sound, as this error says. @param redact Masks secrets. */
  reloadRefused(error: unknown, redact: Redact): void {
    const issues = error instanceof ConfigError ? error.issues : [];
    const stored = (phrase: Phrase) => Told.of(phrase, redact).stored();
    const mistakes = issues.map(({ path, message, place }) => {
      const { excerpt: _, ...where } = place ?? {};
      return { path, message: stored(message), ...where };
    });
    const since = this.#run.refusedReload?.since ?? this.#clock.now();
    this.tell({ refusedReload: { since, problem: stored(sayError(error)), mistakes } });
  }

  /** Counts a request that was refused. */
  count(source: string, reason: Refusal): void {
    this.#add({ source, reason, count: 1, lastAt: this.#clock.now() });
  }

  #add(one: Refused): void {
    const key = `${Math.floor(one.lastAt / 60_000)} ${one.reason} ${one.source}`;
    const known = this.#refused.get(key);
    if (!known) {
      this.#refused.set(key, one);
      return;
    }
    known.count += one.count;
    known.lastAt = Math.max(known.lastAt, one.lastAt);
  }

  /**
   * Requests refused after `since`, by source and reason, the most first, whether the store has them yet or not.
   * @throws {StoreError} if the store cannot be read now.
   */
  async refused(since: number): Promise<Refused[]> {
    const waiting = [...this.#leaving, ...this.#refused.values()].filter(({ lastAt }) => lastAt > since);
    return sumRefused([...await this.#store.runs.refused(since, this.#clock.now()), ...waiting]);
  }

  /**
   * Says its last word, if it has ever begun to speak.
   * @param isClean Whether that is that it ended as it was asked to.
   */
  async stop(isClean = true): Promise<void> {
    if (!this.#ended) return;
    this.#stop.abort();
    this.#wake.abort();
    const lastWord = async () => {
      await this.#ended;
      if (isClean) this.#run = { ...this.#run, stoppedAt: this.#clock.now() };
      await this.#say();
    };
    await within(LAST_WORD_MS, lastWord(), this.#clock);
  }

  async #speak(): Promise<void> {
    for (;;) {
      await this.#clock.sleep(PAUSE_MS, this.#wake.signal);
      if (this.#stop.signal.aborted) return;
      this.#wake = new AbortController();
      const isQuiet = Math.abs(this.#clock.now() - this.#run.heardAt) < HEARD_MS;
      if (this.#hasNews || this.#refused.size > 0 || !isQuiet) await this.#say();
    }
  }

  async #say(): Promise<void> {
    const heardAt = this.#clock.now();
    const run = { ...this.#run, heardAt };
    this.#leaving = [...this.#refused.values()];
    this.#refused = new Map();
    this.#hasNews = false;
    try {
      await this.#store.runs.say(run, this.#leaving);
      this.#run = { ...this.#run, heardAt };
    } catch {
      // A store that cannot be written is told of by what needs it.
      this.#hasNews = true;
      for (const one of this.#leaving) if (one.lastAt > heardAt - REFUSALS_KEPT_MS) this.#add(one);
    } finally {
      this.#leaving = [];
    }
  }
}
