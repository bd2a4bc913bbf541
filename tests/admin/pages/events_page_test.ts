/** What the address of the list of events says. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import { filterOf, queryOf } from "../../../lib/admin/pages/events_query.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");

test("queryOf() reads filters, cursor and the way back", () => {
  const query = queryOf({
    search: " n1 ",
    type: "note.*",
    state: "dead",
    target: "crm",
    since: "24h",
    before: "17",
    trail: "0.40.30",
  });
  assert.deepEqual(query, {
    search: "n1",
    type: "note.*",
    state: "dead",
    target: "crm",
    since: "24h",
    before: 17,
    trail: [0, 40, 30],
  });
  assert.deepEqual(filterOf(query, NOW), {
    text: "n1",
    type: "note.*",
    state: "dead",
    target: "crm",
    since: NOW - 86_400_000,
  });
});

test("queryOf() takes what makes no sense as not given", () => {
  for (const text of ["", " ", "constructor", "-1", "1e9", "x".repeat(10)]) {
    const { state, since, before, trail } = queryOf({ state: text, since: text, before: text, trail: text });
    assert.deepEqual([state, since, before, trail], ["", "", undefined, []], text);
  }
  assert.deepEqual(filterOf(queryOf({}), NOW), {});
});

test("queryOf() remembers no more than 40 pages of the way back", () => {
  const trail = Array.from({ length: 60 }, (_, at) => at);
  assert.deepEqual(queryOf({ trail: trail.join(".") }).trail, trail.slice(20));
});
