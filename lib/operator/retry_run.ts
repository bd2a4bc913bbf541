/** A retry of many dead letters that goes on in the background: one at a time, and it can be stopped. */

import { sayError } from "../errors.ts";
import { log } from "../log.ts";
import { inEnglish, type Phrase } from "../locale/phrase.ts";
import type { Store } from "../store/mod.ts";
import type { DeadFilter } from "../store/operator.ts";
import { retryDead } from "./retry.ts";

/** How far a retry is. */
export interface RetryProgress {
  filter: DeadFilter;
  state: "running" | "done" | "stopped" | "failed";
  /** Dead letters that there were when it began, and how many of them were retried so far. */
  total: number;
  retried: number;
  /** Unix milliseconds. */
  startedAt: number;
  endedAt?: number;
  /** Why it failed. */
  problem?: Phrase;
}

export class RetryRun {
  readonly #store: Store;
  readonly #wake: () => void;
  readonly #stopping: AbortSignal;
  #stop = new AbortController();
  #progress?: RetryProgress;

  /**
   * @param wake Called after deliveries were made due.
   * @param stopping Aborted when the relay stops, which ends the retry.
   */
  constructor(store: Store, wake: () => void, stopping: AbortSignal) {
    this.#store = store;
    this.#wake = wake;
    this.#stopping = stopping;
  }

  /** The retry that runs, or the last one that ran since the relay started. */
  get progress(): Readonly<RetryProgress> | undefined {
    return this.#progress;
  }

  /**
   * Starts a retry, unless one runs already.
   * @returns What resolves when it has ended, however it ends; `undefined` if one runs already.
   */
  start(filter: DeadFilter): Promise<void> | undefined {
    if (this.#progress?.state === "running") return undefined;
    this.#stop = new AbortController();
    const progress: RetryProgress = {
      filter,
      state: "running",
      total: 0,
      retried: 0,
      startedAt: this.#store.time.now(),
    };
    this.#progress = progress;
    return this.#run(progress);
  }

  /** Stops the retry after the transaction that it is in; what was retried by then stays retried. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(progress: RetryProgress): Promise<void> {
    try {
      const groups = await this.#store.deadGroups(progress.filter);
      progress.total = groups.reduce((sum, { count }) => sum + count, 0);
      const { isComplete } = await retryDead(this.#store, progress.filter, progress.startedAt, {
        signal: AbortSignal.any([this.#stop.signal, this.#stopping]),
        onProgress: (retried) => {
          progress.retried = retried;
          this.#wake();
        },
      });
      progress.state = isComplete ? "done" : "stopped";
    } catch (error) {
      progress.state = "failed";
      progress.problem = sayError(error);
      log.error("cannot retry dead letters: {problem}", { problem: inEnglish(progress.problem) });
    }
    progress.endedAt = this.#store.time.now();
  }
}
