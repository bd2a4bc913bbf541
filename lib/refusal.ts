/** Requests that were refused: why, in one closed set that log, metric, store, pages and CLI share, and how many. */

/** Why a request to a source was refused. */
export const refusals = [
  "signature_missing",
  "signature_malformed",
  "signature_wrong",
  "body_too_large",
  "body_cut",
  "body_late",
  "body_encoded",
  "body_no_room",
  "body_invalid",
  "rate_limited",
  "store_failed",
] as const;

export type Refusal = typeof refusals[number];

/** Why a request is not taken for its sender's; for the operator's log, never for the sender. */
export type SignatureProblem = Extract<Refusal, `signature_${string}`>;

/** Requests to one source that were refused for one reason. */
export interface Refused {
  source: string;
  reason: Refusal;
  count: number;
  /** When the last one was, in Unix milliseconds. */
  lastAt: number;
}

/** Adds up by source and reason; the most first. */
export function sumRefused(parts: readonly Refused[]): Refused[] {
  const sums = new Map<string, Refused>();
  for (const one of parts) {
    const key = `${one.reason} ${one.source}`;
    const sum = sums.get(key);
    if (!sum) sums.set(key, { ...one });
    else {
      sum.count += one.count;
      sum.lastAt = Math.max(sum.lastAt, one.lastAt);
    }
  }
  return [...sums.values()].sort((a, b) => b.count - a.count || a.source.localeCompare(b.source));
}

/** Whether somebody should look at it. A rate limit does what the config asks of it. */
export function isTrouble({ reason }: Pick<Refused, "reason">): boolean {
  return reason !== "rate_limited";
}

/**
 * What each source refused. It is by strangers if anybody who finds the address can have caused all of it, as scanners of the
 * internet do: no sender of yours leaves its signature out.
 */
export function bySource<Each extends Pick<Refused, "source" | "reason">>(refused: readonly Each[]) {
  return [...Map.groupBy(refused, ({ source }) => source)].map(([source, refusals]) => {
    return { source, refusals, isByStrangers: refusals.every(({ reason }) => reason === "signature_missing") };
  });
}

/** Whether `relay verify` tells why: it is about the signature. */
export function isAboutSignature({ reason }: Pick<Refused, "reason">): boolean {
  return reason.startsWith("signature_");
}
