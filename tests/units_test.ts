/** Durations, sizes and rates as a config writes them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type * as z from "zod/mini";
import { meantDuration, meantKind, meantRate, meantSize } from "../lib/near_miss.ts";
import { duration, rate, size, timeOf, timerDuration } from "../lib/units.ts";

const KB = 1024;
const MAX_TIMER_MS = 2 ** 31 - 1;

const accepted: [what: string, schema: z.ZodMiniType, values: [value: unknown, expected: number][]][] = [
  ["duration", duration, [
    ["0s", 0],
    ["1ms", 1],
    ["15s", 15_000],
    ["2m", 120_000],
    ["10h", 36_000_000],
    ["1d", 86_400_000],
    ["24d", 24 * 86_400_000],
    ["1.5s", 1_500],
    ["0.5ms", 1],
    ["15S", 15_000],
    ["007s", 7_000],
    [0, 0],
    [250, 250],
    ["90d", 7_776_000_000],
  ]],
  ["timerDuration", timerDuration, [["15s", 15_000], [MAX_TIMER_MS, MAX_TIMER_MS]]],
  ["size", size, [
    ["0b", 0],
    ["1b", 1],
    ["1kb", KB],
    ["1024kb", KB ** 2],
    ["1mb", KB ** 2],
    ["1MB", KB ** 2],
    ["1.5mb", 1.5 * KB ** 2],
    ["2gb", 2 * KB ** 3],
    [1_048_576, 1_048_576],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ]],
];

for (const [what, schema, values] of accepted) {
  for (const [value, expected] of values) {
    test(`${what} reads ${JSON.stringify(value)}`, () => assert.equal(schema.parse(value), expected));
  }
}

const neither: unknown[] = [
  "",
  " ",
  "s",
  "kb",
  "5",
  "-1s",
  "-1kb",
  "+1s",
  "1 s",
  " 1s",
  "1s ",
  "1s\n",
  "1e3s",
  "1e999s",
  "0x10s",
  "1_000s",
  "1,5s",
  ".5s",
  "1.s",
  "Infinitys",
  "NaN",
  "1s1s",
  "1024k",
  "1m2s",
  "99999999999999999999d",
  `${"9".repeat(400)}s`,
  `${"9".repeat(400)}kb`,
  "99999999gb",
  -1,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  1e300,
  true,
  null,
  undefined,
  {},
  [],
  ["1s"],
  15n,
];

const schemas = [["duration", duration, /^expected a duration such as "15s"/], [
  "size",
  size,
  /^expected a size such as "1mb"/,
]] as const;

for (const [what, schema, message] of schemas) {
  test(`${what} refuses what is none, and says what one looks like`, () => {
    const others = what === "duration" ? ["1kb", "1mb", "3651d", "1w"] : ["1s", "1ms", "1tb", "1k", "1m", "1kib"];
    for (const value of [...neither, ...others]) {
      const { success, error } = schema.safeParse(value);
      assert.equal(success, false, String(value));
      assert.match(error!.issues[0]!.message, message);
    }
  });
}

test("what was meant by a duration, a size, a rate or a value of another kind is guessed where it is clear", () => {
  const rows: [guess: (value: unknown) => string | undefined, value: unknown, expected: string | undefined][] = [
    [meantDuration, "15 s", '"15s"'],
    [meantDuration, "1 hour", '"1h"'],
    [meantDuration, "2 minutos", '"2m"'],
    [meantDuration, "1,5 h", '"1.5h"'],
    [meantDuration, "2 weeks", '"14d"'],
    [meantDuration, "30", '"30s"'],
    [meantDuration, "soon", undefined],
    [meantDuration, "-1s", undefined],
    [meantDuration, true, undefined],
    [meantSize, "10 MB", '"10mb"'],
    [meantSize, "1024k", '"1024kb"'],
    [meantSize, "1MiB", '"1mb"'],
    [meantSize, "10", undefined],
    [meantRate, "200/s", '{ per: "1s", limit: 200 }'],
    [meantRate, "10 per minute", '{ per: "1m", limit: 10 }'],
    [meantRate, "5 / 10s", '{ per: "10s", limit: 5 }'],
    [meantRate, 20, '{ per: "1s", limit: 20 }'],
    [meantRate, "fast", '{ per: "1s", limit: 10 }'],
    [(value) => meantKind(value, "int"), "3000", "3000"],
    [(value) => meantKind(value, "boolean"), "True", "true"],
    [(value) => meantKind(value, "array"), "x", '["x"]'],
    [(value) => meantKind(value, "string"), ["x"], '"x"'],
    [(value) => meantKind(value, "string"), ["x", "y"], undefined],
  ];
  for (const [guess, value, expected] of rows) assert.equal(guess(value), expected, JSON.stringify(value));
});

test("rate reads a window and a limit", () => {
  assert.deepEqual(rate.parse({ per: "1s", limit: 5 }), { perMs: 1_000, limit: 5 });
  assert.deepEqual(rate.parse({ per: 250, limit: 1 }), { perMs: 250, limit: 1 });
});

for (
  const value of [
    {},
    { per: "1s" },
    { limit: 1 },
    { per: "0s", limit: 1 },
    { per: "1s", limit: 0 },
    { per: "1s", limit: -1 },
    { per: "1s", limit: 1.5 },
    { per: "1s", limit: Infinity },
    { per: "1s", limit: "1" },
    { per: "1s", limit: 1, burst: 2 },
    "1/s",
    5,
    null,
  ]
) {
  test(`rate refuses ${JSON.stringify(value)}`, () => assert.equal(rate.safeParse(value).success, false));
}

test("timerDuration refuses what a timer cannot hold", () => {
  for (const value of ["25d", MAX_TIMER_MS + 1]) assert.equal(timerDuration.safeParse(value).success, false);
});

test("timeOf() reads a time of a zone, on both sides of a change of its clocks", () => {
  const rows: [string, string, string][] = [
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z"],
    ["2026-03-29T01:59:59.5", "Europe/Berlin", "2026-03-29T00:59:59.500Z"],
    ["2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00:00.000Z"],
    ["2026-10-25T03:30", "Europe/Berlin", "2026-10-25T02:30:00.000Z"],
    ["2026-01-31", "America/Sao_Paulo", "2026-01-31T03:00:00.000Z"],
    ["2026-01-31T10:00Z", "America/Sao_Paulo", "2026-01-31T10:00:00.000Z"],
  ];
  for (const [text, zone, time] of rows) assert.equal(timeOf(text, 0, zone), Date.parse(time), `${text} ${zone}`);
  assert.equal(timeOf("2h", 7_200_000, "Asia/Kolkata"), 0);
});
