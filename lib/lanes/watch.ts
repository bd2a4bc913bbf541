/** Watches for what an operator or another program changed in the store, and for the clock being set. */

import type { Clock } from "../clock.ts";
import type { LaneStore } from "../store/mod.ts";

/** Polling interval, in milliseconds: a target is paused within half a second. A poll takes a few microseconds. */
const PAUSE_MS = 200;

/** Between two polls, the clocks drift apart by at most this, in milliseconds, unless one was set. */
const MAX_DRIFT_MS = 1_000;

/** How long after the clock was set a record made before may still arrive, in milliseconds. */
const LATE_MS = 10_000;

/** How often order keys are checked, in milliseconds. */
const ORDER_MS = 60_000;

interface Watcher {
  refresh(): void;
  clockWasSet(): void;
  checkOrder(): void;
}

/** Watches until the signal is aborted. */
export async function watch(
  store: Pick<LaneStore, "changes">,
  watcher: Watcher,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const differenceOf = () => clock.now() - clock.monotonic();
  let difference = differenceOf();
  let known: number | undefined;
  let setAt: number | undefined;
  let orderAt = clock.monotonic() + ORDER_MS;
  while (!signal.aborted) {
    const now = clock.monotonic();
    const before = difference;
    difference = differenceOf();
    if (Math.abs(difference - before) > MAX_DRIFT_MS) {
      watcher.clockWasSet();
      setAt = now;
    } else if (setAt !== undefined && now >= setAt + LATE_MS) {
      watcher.clockWasSet();
      setAt = undefined;
    }
    // A store that cannot be read is reported by what needs it; the next poll may find it working again.
    const changes = await store.changes().catch(() => known);
    if (changes !== known) watcher.refresh();
    known = changes;
    if (now >= orderAt) {
      orderAt = now + ORDER_MS;
      watcher.checkOrder();
    }
    await clock.sleep(PAUSE_MS, signal);
  }
}
