/** What `relay sign` prints. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { signatureShown } from "../../lib/cli/sign.ts";

test("signatureShown() shows the value of one header alone", () => {
  assert.deepEqual(signatureShown({ "X-A": "sha256=1" }), {
    json: { header: "X-A", signature: "sha256=1" },
    lines: ["sha256=1"],
  });
});

test("signatureShown() shows several headers with their names", () => {
  const headers = { "X-A": "1", "X-Time": "2" };
  assert.deepEqual(signatureShown(headers), { json: { headers }, lines: ["X-A: 1", "X-Time: 2"] });
});
