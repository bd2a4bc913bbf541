/** Waits for something that another process does. */

/** Resolves when `check` gives a value; rejects after `timeoutMs`, naming what was waited for. */
export async function until<Value>(
  what: string,
  check: () => Value | undefined | false | null | Promise<Value | undefined | false | null>,
  timeoutMs = 15_000,
): Promise<Value> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(10);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
