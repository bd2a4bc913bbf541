/** How languages write numbers, plurals and spans of time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formsOf } from "../../lib/locale/forms.ts";

test("count() gives the form that goes with a number, as each language has it", () => {
  const events = { one: "event", other: "events" };
  assert.deepEqual([0, 1, 2_000].map((n) => formsOf("en").count(n, events)), ["0 events", "1 event", "2,000 events"]);
  const eventos = { one: "evento", other: "eventos" };
  assert.deepEqual([1, 2_000].map((n) => formsOf("pt-BR").count(n, eventos)), ["1 evento", "2.000 eventos"]);
});

test("duration() measures in whole units, in any language", () => {
  const spans = [6 * 3_600_000, 3_600_000, 5_400_000, 86_400_000, 90_000, 1_500, 1];
  assert.deepEqual(spans.map((ms) => formsOf("en").duration(ms)), [
    "6 hours",
    "1 hour",
    "90 minutes",
    "1 day",
    "90 seconds",
    "1,500 milliseconds",
    "1 millisecond",
  ]);
  assert.equal(formsOf("pt-BR").duration(2 * 86_400_000), "2 dias");
});
