/** The log: which headers may stand in it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { maskHeaders } from "../lib/log.ts";

test("maskHeaders() masks what may be a secret or a signature, and the source's own header whatever its name", () => {
  const masked = [
    "Authorization",
    "Cookie",
    "Proxy-Authorization",
    "X-Api-Key",
    "X-ConnectVets-Signature",
    "X-Csrf-Token",
    "X-Password",
    "X-Session",
    "X-Shopify-Hmac-Sha256",
    "X-Check",
    "X-Proof",
  ];
  const shown = ["Content-Type", "User-Agent", "X-Forwarded-For", "X-Checked"];
  const headers = new Headers([...masked, ...shown].map((name): [string, string] => [name, "4711"]));
  const expected = [
    ...masked.map((name) => [name.toLowerCase(), "[masked]"]),
    ...shown.map((name) => [
      name.toLowerCase(),
      "4711",
    ]),
  ];
  assert.deepEqual(maskHeaders(headers, ["X-Check", "X-Proof"]), Object.fromEntries(expected));
});
