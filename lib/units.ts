/** Durations and sizes as a config writes them. */

import { z } from "zod";
import { options } from "./options.ts";

/** A duration: `"15s"`, `"2m"`, `"10h"`, or a number of milliseconds. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A size: `"1mb"`, `"512kb"`, or a number of bytes. 1 kb is 1024 bytes. */
export type Size = number | `${number}${"b" | "kb" | "mb" | "gb"}`;

/** So many, in so long a time. */
export interface Rate {
  /** Length of the window. */
  per: Duration;
  /** How many in one window. */
  limit: number;
}

const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesPer = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

function quantity(units: Record<string, number>, expected: string) {
  const form = new RegExp(`^(\\d+(?:\\.\\d+)?)(${Object.keys(units).join("|")})$`);
  return z.union([z.number(), z.string()]).transform((value, context) => {
    const [, number, unit] = typeof value === "string" ? form.exec(value.toLowerCase()) ?? [] : [];
    const amount = typeof value === "number" ? value : Math.round(Number(number) * (units[unit ?? ""] ?? NaN));
    if (Number.isSafeInteger(amount) && amount >= 0) return amount;
    context.addIssue({ code: "custom", message: `expected ${expected}` });
    return z.NEVER;
  });
}

/** Reads a {@link Duration} to whole milliseconds. */
export const duration: z.ZodType<number, Duration> = quantity(
  millisecondsPer,
  'a duration such as "15s", "2m" or "10h", or milliseconds',
) as unknown as z.ZodType<number, Duration>;

/** Reads a {@link Size} to whole bytes. */
export const size: z.ZodType<number, Size> = quantity(
  bytesPer,
  'a size such as "1mb" or "512kb", or bytes',
) as unknown as z.ZodType<number, Size>;

/** Reads a {@link Rate} to `{ perMs, limit }`. */
export const rate = options({
  per: duration.refine((ms) => ms > 0, "expected more than 0"),
  limit: z.int().positive(),
}).transform(({ per, limit }) => ({ perMs: per, limit }));
