/** The charts: bars as high as their numbers, and a table that says the same. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Chart, type Hour, SmallChart } from "../../../lib/admin/pages/chart.tsx";
import { formatOf } from "../../../lib/locale/format.ts";
import type { View } from "../../../lib/admin/pages/view.ts";
import { locales } from "../../../lib/locale/mod.ts";

const HOUR_MS = 3_600_000;
const T0 = Date.parse("2026-01-02T00:00:00Z");

const view: View = {
  locale: "en",
  words: locales.en.pages,
  say: (phrase) => phrase(locales.en),
  format: formatOf("en", "UTC", T0),
  timeZone: "UTC",
  now: T0,
  path: "/",
  address: "/",
  isSignedIn: false,
  clean: (value) => value,
};

/** 24 hours in which nothing happened but what is given, by hour. */
function hoursOf(given: Record<number, Partial<Hour>>): Hour[] {
  return Array.from({ length: 24 }, (_, at) => ({
    at: T0 + at * HOUR_MS,
    delivered: 0,
    failed: 0,
    dead: 0,
    ...given[at],
  }));
}

/** Heights of the bars of an outcome, in pixels. */
function heights(html: string, outcome: string): number[] {
  const [, outline] = new RegExp(`<path class="${outcome}" d="([^"]*)"`).exec(html)!;
  return [...outline!.matchAll(/v-([\d.]+)/g)].map(([, height]) => Number(height));
}

test("Chart() draws each outcome as high as its count", () => {
  const html = String(
    Chart({ view, hours: hoursOf({ 3: { delivered: 40, dead: 10 }, 4: { delivered: 20, failed: 5 } }) }),
  );
  const [forty, twenty] = heights(html, "delivered");
  assert.ok(forty! > 100, `${forty}`);
  assert.ok(Math.abs(forty! - 2 * twenty!) < 0.2, `${forty} and ${twenty}`);
  assert.ok(Math.abs(heights(html, "dead")[0]! - forty! / 4) < 0.2);
  assert.ok(Math.abs(heights(html, "failed")[0]! - forty! / 8) < 0.2);
});

test("Chart() keeps one failure among thousands visible", () => {
  const html = String(Chart({ view, hours: hoursOf({ 3: { delivered: 100_000, dead: 1 } }) }));
  assert.deepEqual(heights(html, "dead"), [1.5]);
});

test("Chart() has about four levels at round counts, and no bar above the highest", () => {
  const levels = {
    0: "1 2 3 4",
    5: "1 2 3 4 5",
    14: "5 10 15",
    28: "10 20 30",
    47: "10 20 30 40 50",
    1234: "500 1,000 1,500",
  };
  for (const [count, expected] of Object.entries(levels)) {
    const html = String(Chart({ view, hours: hoursOf({ 3: { delivered: Number(count) } }) }));
    const texts = [...html.matchAll(/<text x="0" y="[\d.]+">([\d,]+)<\/text>/g)].map(([, text]) => text);
    assert.equal(texts.join(" "), expected);
  }
});

test("Chart() says the same in a table, a row for each hour in which something happened", () => {
  const html = String(Chart({ view, hours: hoursOf({ 3: { delivered: 1234, dead: 10 }, 23: { failed: 5 } }) }));
  const body = html.split("<tbody")[1]!;
  const rows = body.split("<tr").slice(1).map((row) =>
    [...row.matchAll(/<div>([^<]*)<\/div>/g)].map(([, text]) => text)
  );
  assert.deepEqual(rows, [["03:00", "1,234", "0", "10"], ["23:00", "0", "5", "0"]]);
});

test("Chart() draws nothing for hours without attempts, and names every sixth hour", () => {
  const html = String(Chart({ view, hours: hoursOf({}) }));
  for (const outcome of ["delivered", "failed", "dead"]) assert.deepEqual(heights(html, outcome), []);
  for (const name of ["00:00", "06:00", "12:00", "18:00"]) assert.ok(html.includes(`>${name}</text>`), name);
  assert.ok(!html.includes(">03:00</text>"));
});

test("SmallChart() is named after its target, whose name is escaped", () => {
  const html = String(SmallChart({ view, hours: hoursOf({ 0: { delivered: 1 } }), target: '"><script>' }));
  assert.ok(!html.includes("<script>"));
  assert.match(
    html,
    /role="img" aria-label="Attempts to deliver to &quot;&gt;&lt;script&gt; in the last 24 hours: \d+ delivered/,
  );
});
