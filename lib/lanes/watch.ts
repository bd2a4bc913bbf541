/** Watching: what another program wrote to the store, such as a verb on the command line, and that the clock was set. */

import type { Clock } from "../clock.ts";
import type { Store } from "../store/mod.ts";

/** Pause between two looks, in milliseconds: a target is paused within half a second. Each takes a few microseconds. */
const PAUSE_MS = 200;

/** From one look to the next, clocks differ by no more milliseconds than this, unless one was set. */
const MAX_DRIFT_MS = 1_000;

/** What is called when something is noticed. */
interface Noticed {
  /** Another program has written. */
  onChange(): void;
  /** The clock was set, or the machine slept. */
  onClockSet(): void;
}

/**
 * Starts to watch the store and the clock.
 * @returns What ends it.
 */
export function startWatching(store: Store, clock: Clock, { onChange, onClockSet }: Noticed): () => void {
  let known: number | undefined;
  const differenceOf = () => clock.now() - clock.monotonic();
  let difference = differenceOf();
  const look = async () => {
    const before = difference;
    difference = differenceOf();
    if (Math.abs(difference - before) > MAX_DRIFT_MS) onClockSet();
    try {
      const version = await store.version();
      if (known !== undefined && version !== known) onChange();
      known = version;
    } catch {
      // A store that cannot be read is told of by what needs it; the next look may find it mended.
    }
  };
  look();
  const timer = setInterval(look, PAUSE_MS);
  return () => clearInterval(timer);
}
