/** What hosts stand for, and which addresses are private. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesOf, isPrivate } from "../../lib/outbound/addresses.ts";
import { nowhere } from "../helpers/nowhere.ts";

const privates = [
  "127.0.0.1",
  "127.255.255.254",
  "0.0.0.0",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "::1",
  "::",
  "fe80::1",
  "fe80::1%eth0",
  "febf::1",
  "fc00::1",
  "fd12:3456::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:c0a8:1",
];
const publics = [
  "8.8.8.8",
  "172.15.0.1",
  "172.32.0.1",
  "100.63.0.1",
  "100.128.0.1",
  "192.169.0.1",
  "11.0.0.1",
  "::2",
  "2001:4860::1",
  "fec0::1",
  "::ffff:808:808",
];
test("isPrivate() tells addresses of this machine, its link and private networks from others", () => {
  assert.deepEqual(privates.filter((one) => !isPrivate(one)), []);
  assert.deepEqual(publics.filter(isPrivate), []);
});

test("addressesOf() gives an address as it is, and this machine's for localhost and what is under it", async () => {
  const hostOf = (url: string) => new URL(url).hostname;
  const cases: [url: string, addresses: string[]][] = [
    ["http://192.0.2.1", ["192.0.2.1"]],
    ["http://2130706433", ["127.0.0.1"]],
    ["http://[2001:db8::1]:80", ["2001:db8::1"]],
    ["http://LOCALHOST", ["127.0.0.1", "::1"]],
    ["http://localhost.", ["127.0.0.1", "::1"]],
    ["http://a.b.localhost", ["127.0.0.1", "::1"]],
  ];
  for (const [url, addresses] of cases) assert.deepEqual(await addressesOf(hostOf(url)), addresses, url);
});

test("addressesOf() asks once for a name that several ask for, and again when that is answered", async () => {
  const asked = addressesOf(nowhere);
  assert.equal(addressesOf(nowhere), asked);
  await assert.rejects(async () => await asked, { code: "ENOTFOUND" });
  const next = addressesOf(nowhere);
  assert.notEqual(next, asked);
  await assert.rejects(async () => await next);
});
