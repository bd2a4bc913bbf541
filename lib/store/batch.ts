/** Lets writes that come in together share one transaction, and so one flush of the disk. */

/** Most items that are written at once. */
const MAX_BATCH = 512;

/**
 * Makes a function that gathers the items given to it during one turn of the event loop, and while a batch is being
 * written, and writes them together. If the write fails, it fails for every item in it.
 * @param write Writes items at once and gives a result for each, in the same order.
 */
export function batched<Item, Result>(
  write: (items: Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  let waiting: { item: Item; resolve(result: Result): void; reject(error: unknown): void }[] = [];
  let busy = false;

  async function flush() {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      try {
        const results = await write(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(results[index]!));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (busy) return;
      busy = true;
      setImmediate(flush);
    });
}
