/** Addresses of listeners as they are told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hostAndPort, isEverywhere, listenerUrl } from "../lib/listener_url.ts";

test("listenerUrl() gives a URL at which this machine reaches the listener", () => {
  const rows: [host: string, url: string][] = [
    ["127.0.0.1", "http://127.0.0.1:3000"],
    ["0.0.0.0", "http://127.0.0.1:3000"],
    ["::", "http://[::1]:3000"],
    ["0:0:0:0:0:0:0:0", "http://[::1]:3000"],
    ["::1", "http://[::1]:3000"],
    ["2001:db8::7", "http://[2001:db8::7]:3000"],
    ["fe80::1%eth0", "http://[fe80::1%25eth0]:3000"],
    ["localhost", "http://localhost:3000"],
    ["relay.clinica.example", "http://relay.clinica.example:3000"],
  ];
  for (const [host, url] of rows) assert.equal(listenerUrl(host, 3000), url);
  assert.equal(listenerUrl("::", 443, "https"), "https://[::1]:443");
});

test("isEverywhere() knows the addresses that stand for all", () => {
  for (const host of ["0.0.0.0", "::", "::0", "0:0:0:0:0:0:0:0"]) assert.ok(isEverywhere(host), host);
  for (const host of ["127.0.0.1", "10.0.0.0", "::1", "fe80::", "localhost", ""]) assert.ok(!isEverywhere(host), host);
});

test("hostAndPort() tells the colons of an address from that before the port", () => {
  assert.deepEqual([hostAndPort("::", 3000), hostAndPort("0.0.0.0", 3000)], ["[::]:3000", "0.0.0.0:3000"]);
});
