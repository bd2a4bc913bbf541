/** Duties: what a relay does on its own, again and again, until it is stopped. */

/** @returns A function that stops it and resolves once it has ended. */
export function startDuty(run: (signal: AbortSignal) => Promise<void>): () => Promise<void> {
  const stop = new AbortController();
  const ended = run(stop.signal);
  return async () => {
    stop.abort();
    await ended;
  };
}
