/** Watching: what another program wrote to the store, such as a verb on the command line, is noticed. */

import type { Store } from "../store/mod.ts";

/** Pause between two looks, in milliseconds: a target is paused within half a second. Each takes a few microseconds. */
const PAUSE_MS = 200;

/**
 * Starts to watch the store.
 * @param onChange Called after another program has written.
 * @returns What ends it.
 */
export function startWatching(store: Store, onChange: () => void): () => void {
  let known: number | undefined;
  const look = async () => {
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
