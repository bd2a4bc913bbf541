/** Tables and times as a person sees them on a terminal. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters, styleText } from "node:util";
import { clock, count, relative, table } from "../../lib/cli/terminal.ts";

const red = (text: string) => styleText("red", text, { validateStream: false });

test("table() aligns columns by what a terminal shows: wide characters count twice, colours and accents not at all", () => {
  const lines = table([["Nome", "Estado"], ["会社", "ok"], [red("não"), "pausa"], ["nota\u0301", "ok"]]);
  assert.deepEqual(lines.map(stripVTControlCharacters), [
    "  Nome  Estado",
    "  会社  ok",
    "  não   pausa",
    "  nota\u0301  ok",
  ]);
});

const rows = [["Id", "Kind", "Note"], ["0123456789", "note.completed", "what is said of it"]];

test("table() cuts nothing where there is no width, or enough", () => {
  for (const width of [Infinity, 48]) {
    assert.equal(table(rows, [{ column: 2, to: 4 }], width)[1], "  0123456789  note.completed  what is said of it");
  }
});

test("table() cuts the least important column first, the next one when that is at its least", () => {
  const cuts = [{ column: 2, to: 6 }, { column: 1, to: 5 }];
  assert.equal(table(rows, cuts, 40)[1], "  0123456789  note.completed  what is s…");
  assert.equal(table(rows, cuts, 32)[1], "  0123456789  note.comp…  what …");
  assert.equal(table(rows, cuts, 10)[1], "  0123456789  note…  what …", "never under its least");
});

test("table() leaves a column out that may be cut to nothing", () => {
  const cuts = [{ column: 1, to: 0 }, { column: 2, to: 6 }];
  assert.deepEqual(table(rows, cuts, 40), ["  Id          Note", "  0123456789  what is said of it"]);
  assert.equal(table(rows, cuts, 24)[1], "  0123456789  what is s…");
});

test("table() keeps a cell's colours to the cell where it cuts, and never halves a wide character", () => {
  const [line] = table([[red("a long text"), "x"]], [{ column: 0, to: 4 }], 10);
  assert.equal(stripVTControlCharacters(line!), "  a lo…  x");
  assert.match(line!, /\p{Cc}\[39m\s+x$/u);
  assert.equal(table([["会社会社", "x"]], [{ column: 0, to: 4 }], 9)[0], "  会…   x");
});

const now = new Date(2026, 10, 24, 14, 37, 8).getTime();

test("clock() tells a time as short as it can be told", () => {
  assert.equal(clock(now - 3_000, now), "14:37:05");
  assert.equal(clock(now - 86_400_000, now), "23 Nov 14:37");
  assert.equal(clock(new Date(2025, 0, 2, 3, 4).getTime(), now), "2 Jan 2025");
});

test("relative() tells how far a time lies from now, either way", () => {
  assert.deepEqual(
    [0, -999, -61_000, -7_200_000, -200_000_000, 1, 30_000, 600_000].map((ms) => relative(now + ms, now)),
    [
      "0 s ago",
      "0 s ago",
      "1 min ago",
      "2 h ago",
      "2 d ago",
      "in 1 s",
      "in 30 s",
      "in 10 min",
    ],
  );
});

test("count() says so many of something", () => {
  assert.deepEqual([count(1, "event"), count(0, "event"), count(2000, "delivery", "deliveries")], [
    "1 event",
    "0 events",
    "2,000 deliveries",
  ]);
});
