/** Numbers, times and durations in both languages. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOf } from "../../lib/locale/format.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");
const en = formatOf("en", "UTC", NOW);
const pt = formatOf("pt-BR", "America/Sao_Paulo", NOW);

test("formatOf() writes numbers and parts as the language does", () => {
  assert.deepEqual([en.number(1234567), pt.number(1234567)], ["1,234,567", "1.234.567"]);
  assert.deepEqual([en.percent(0.9954), pt.percent(0.9954)], ["99.5%", "99,5%"]);
});

test("formatOf() writes a duration in the unit that fits", () => {
  const rows: [ms: number, text: string][] = [
    [0, "0 ms"],
    [35.4, "35 ms"],
    [999, "999 ms"],
    [1_240, "1.2 s"],
    [90_000, "1.5 min"],
    [7_200_000, "2 h"],
  ];
  for (const [ms, text] of rows) assert.equal(en.duration(ms).replace("\u00a0", " "), text);
  assert.equal(pt.duration(1_240), "1,2\u00a0s");
});

test("formatOf() writes how far a time is from now, either way", () => {
  const rows: [ms: number, text: string][] = [
    [0, "in 0 sec."],
    [-3_999, "3 sec. ago"],
    [-180_000, "3 min. ago"],
    [-7_300_000, "2 hr. ago"],
    [90_000, "in 1 min."],
    [-3 * 86_400_000, "3 days ago"],
  ];
  for (const [ms, text] of rows) assert.equal(en.relative(NOW + ms), text);
  assert.equal(pt.relative(NOW - 180_000), "há 3 min.");
});

test("formatOf() writes a time in its time zone", () => {
  assert.equal(en.absolute(NOW), "Jan 02, 2026, 03:04:05");
  assert.equal(pt.absolute(NOW), "02 de jan. de 2026, 00:04:05");
  assert.deepEqual([en.hour(NOW), pt.hour(NOW)], ["03:04", "00:04"]);
});
