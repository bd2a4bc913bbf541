/** Reporting: what a relay stores about itself and its refusals, for whoever asks while it runs or afterwards. */

import { type Clock, within } from "../clock.ts";
import { ConfigError, sayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { Told } from "../locale/told.ts";
import { type Refusal, type Refused, sumRefused } from "../refusal.ts";
import type { Redact } from "../secret.ts";
import type { Store } from "../store/mod.ts";
import { REFUSALS_KEPT_MS, type Run } from "../store/runs.ts";
import { maskNumbers } from "../recipient.ts";

/** How often to check for something to write, in milliseconds: a flood of refusals is one write per interval. */
const PAUSE_MS = 2_000;

/** How often a relay with nothing new to report says that it is alive, in milliseconds. */
const HEARD_MS = 15_000;

/** How long the last report may take, in milliseconds; a locked store takes none. */
const LAST_WORD_MS = 1_000;

/** What a relay reports about itself from the start. */
export type Beginning = Pick<Run, "pid" | "version" | "bootId" | "config" | "fingerprint" | "targets">;

/** Reports for one relay. What the store does not take is kept for the next report. */
export class Reporter {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #run: Run;
  #hasNews = true;
  /** Refused requests that are not in the store yet, by minute, source and reason; and those being written. */
  #refused = new Map<string, Refused>();
  #leaving: Refused[] = [];
  #ended?: Promise<void>;
  #wake = new AbortController();

  constructor(store: Store, run: Beginning, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#run = { ...run, since: clock.now(), heardAt: clock.now(), listeners: [] };
  }

  /** What it reports now. */
  get run(): Run {
    return this.#run;
  }

  /** Starts to report. The first report replaces the last one of another relay. */
  async start(): Promise<void> {
    this.#run = { ...this.#run, since: this.#clock.now() }; // the store is served by now, so its time is known
    await this.#say();
    this.#ended = this.#speak();
  }

  /** Reports news about itself. */
  tell(news: Partial<Pick<Run, "listeners" | "targets" | "config" | "fingerprint" | "refusedReload">>): void {
    this.#run = { ...this.#run, ...news };
    this.#hasNews = true;
    this.#wake.abort();
  }

  /** Reports that a reload found a valid config. */
  reloaded(news: Pick<Run, "config" | "fingerprint" | "targets">): void {
    this.tell({ ...news, refusedReload: undefined });
  }

  /** Reports that a reload found an invalid config, for this error. @param redact Masks secrets. */
  reloadRefused(error: unknown, redact: Redact): void {
    const issues = error instanceof ConfigError ? error.issues : [];
    const stored = (phrase: Phrase) => Told.of(phrase, (text) => maskNumbers(redact(text))).stored();
    const mistakes = issues.map(({ path, message, place }) => {
      const { excerpt: _, ...where } = place ?? {};
      return { path, message: stored(message), ...where };
    });
    const since = this.#run.refusedReload?.since ?? this.#clock.now();
    this.tell({ refusedReload: { since, problem: stored(sayError(error)), mistakes } });
  }

  /** Counts a refused request. */
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
   * Requests refused after `since`, by source and reason, the most frequent first, whether stored yet or not.
   * @throws {StoreError} if the store cannot be read now.
   */
  async refused(since: number): Promise<Refused[]> {
    const waiting = [...this.#leaving, ...this.#refused.values()].filter(({ lastAt }) => lastAt > since);
    return sumRefused([...await this.#store.runs.refused(since, this.#clock.now()), ...waiting]);
  }

  /**
   * Sends the last report, if it ever started to report.
   * @param isClean Whether to report that the relay ended as it was asked to.
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
      // A store that cannot be written is reported by what needs it.
      this.#hasNews = true;
      for (const one of this.#leaving) if (one.lastAt > heardAt - REFUSALS_KEPT_MS) this.#add(one);
    } finally {
      this.#leaving = [];
    }
  }
}
