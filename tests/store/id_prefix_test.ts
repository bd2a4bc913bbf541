/** Beginnings of ids. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { commonDigits, parsePrefix, shortened } from "../../lib/store/id_prefix.ts";

const ID = "018f2b6e-7c00-7000-8000-000000000001";

test("parsePrefix() takes eight digits or more of an id, with its dashes or without them, in any case", () => {
  const rows: [string, string | undefined][] = [
    ["018f2b6e", "018f2b6e"],
    ["018F2B6E-7C", "018f2b6e7c"],
    ["018f2b6e-", "018f2b6e"],
    [ID, ID.replaceAll("-", "")],
    ["018f2b6", undefined],
    ["nota-1", undefined],
    ["", undefined],
    [`${ID}0`, undefined],
  ];
  for (const [text, prefix] of rows) assert.equal(parsePrefix(text), prefix, text);
});

test("shortened() cuts an id after so many digits, never after a dash", () => {
  const cut = [8, 9, 12, 13, 20, 32].map((digits) => shortened(ID, digits));
  assert.deepEqual(cut, ["018f2b6e", "018f2b6e-7", "018f2b6e-7c00", "018f2b6e-7c00-7", "018f2b6e-7c00-7000-8000", ID]);
});

test("commonDigits() counts the digits in which two ids begin alike", () => {
  assert.deepEqual([ID, "018f2b6e-7c01", "118f2b6e"].map((other) => commonDigits(ID, other)), [32, 11, 0]);
});
