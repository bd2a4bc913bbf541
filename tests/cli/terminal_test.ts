/** Tables and texts as a person sees them on a terminal. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters, styleText } from "node:util";
import { listing, table, wrapped } from "../../lib/cli/terminal.ts";

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

test("table() goes on cutting where a column that may give way is not there", () => {
  const cuts = [{ column: 7, to: 0 }, { column: 2, to: 4 }];
  assert.equal(table(rows, cuts, 40)[1], "  0123456789  note.completed  what is s…");
});

test("table() breaks the last column between words where the terminal is too narrow", () => {
  const line = ["a", "a sentence that does not fit beside the rest"];
  assert.deepEqual(table([line, ["b", "short"]], [], 30), [
    "  a  a sentence that does not",
    "     fit beside the rest",
    "  b  short",
  ]);
  const two = table([["a", "one that is too wide for it as well"], line], [], 30);
  assert.deepEqual(two.map((one) => one.length <= 30), [true, true, true, true], "each row, and not only the widest");
});

test("table() keeps a cell's colours to the cell where it cuts, and never halves a wide character", () => {
  const [line] = table([[red("a long text"), "x"]], [{ column: 0, to: 4 }], 10);
  assert.equal(stripVTControlCharacters(line!), "  a lo…  x");
  assert.match(line!, /\p{Cc}\[39m\s+x$/u);
  assert.equal(table([["会社会社", "x"]], [{ column: 0, to: 4 }], 9)[0], "  会…   x");
});

test("listing() puts items beside the other columns where all of them fit, else below, each whole", () => {
  const rows = [
    { cells: ["1", "note.failed"], items: ["✓ crm", "✗ plantao: connection refused", "… fora: timed out"] },
    { cells: ["2", "test"], items: ["✓ crm"] },
  ];
  assert.deepEqual(listing(rows, Infinity), [
    "  1  note.failed  ✓ crm  ✗ plantao: connection refused  … fora: timed out",
    "  2  test         ✓ crm",
  ]);
  assert.deepEqual(listing(rows, 48), [
    "  1  note.failed",
    "    ✓ crm  ✗ plantao: connection refused",
    "    … fora: timed out",
    "  2  test         ✓ crm",
  ]);
});

test("wrapped() keeps whole what is to be typed", () => {
  const text = "Then try again: `relay retry --dead` or `relay retry ID`, then look";
  assert.deepEqual(wrapped(text, "  ", 24), [
    "Then try again:",
    "  `relay retry --dead`",
    "  or `relay retry ID`,",
    "  then look",
  ]);
});

test("wrapped() breaks a text between words, and begins its further lines further in", () => {
  const text = "  Fix the cause first, then retry them";
  assert.deepEqual(wrapped(text, "  ", Infinity), [text]);
  assert.deepEqual(wrapped(text, "  ", 16), ["  Fix the cause", "  first, then", "  retry them"]);
});
