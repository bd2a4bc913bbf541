/** The client of a request: no header makes it somebody else, and no host is several. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { networkOf } from "../../lib/http/network.ts";
import { clientAddress } from "../../lib/pipeline/client.ts";

const PEER = "192.0.2.1";

const rows: [proxies: number, header: string | null, client: string][] = [
  // without a proxy that is trusted, the header says nothing
  [0, null, PEER],
  [0, "203.0.113.7", PEER],
  // the nearest proxy's word is the last one
  [1, "203.0.113.7", "203.0.113.7"],
  [1, "198.51.100.66, 203.0.113.7", "203.0.113.7"],
  [2, "198.51.100.66, 203.0.113.7, 10.0.0.1", "203.0.113.7"],
  [2, "198.51.100.66,203.0.113.7\t,10.0.0.1", "203.0.113.7"],
  // fewer than there are proxies
  [2, "203.0.113.7", "203.0.113.7"],
  [9, "203.0.113.7, 10.0.0.1", "203.0.113.7"],
  // no address
  [1, null, PEER],
  [1, "", PEER],
  [1, "unknown", PEER],
  [1, "203.0.113.7, unknown", PEER],
  [1, "203.0.113.7,", PEER],
  [1, "203.0.113.777", PEER],
  [1, "203.0.113.7:port", PEER],
  [1, "[203.0.113.7", PEER],
  [1, "for=203.0.113.7", PEER],
  // ports
  [1, "203.0.113.7:5678", "203.0.113.7"],
  [1, "[2001:db8::7]:99", "2001:db8::7"],
  [1, "[2001:db8::7]", "2001:db8::7"],
  [1, "2001:db8::7", "2001:db8::7"],
  [1, "2001:db8::7:99", "2001:db8::7:99"],
  [1, "[::1]:99", "::1"],
  // IPv4 in the clothes of IPv6
  [1, "::ffff:203.0.113.7", "203.0.113.7"],
  [1, "::FFFF:cb00:7107", "203.0.113.7"],
  [1, "[0:0:0:0:0:ffff:203.0.113.7]:80", "203.0.113.7"],
  [1, "::fffe:203.0.113.7", "::fffe:203.0.113.7"],
];

test("clientAddress() believes as many proxies as are trusted, and nobody else", () => {
  for (const [proxies, header, client] of rows) {
    assert.equal(clientAddress(PEER, header, proxies), client, `${proxies} of ${header}`);
  }
});

test("clientAddress() gives the connection's own address as IPv4 where it is", () => {
  assert.equal(clientAddress("::ffff:192.0.2.1", null, 0), "192.0.2.1");
  assert.equal(clientAddress("2001:db8::1", null, 0), "2001:db8::1");
  assert.equal(clientAddress("fe80::1%eth0", null, 0), "fe80::1%eth0");
  assert.equal(clientAddress("", null, 0), "");
});

test("clientAddress() is never what a client wrote in front of the proxies' words", () => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 4 }), (forged, proxies) => {
    const written = ["203.0.113.7", "10.0.0.3", "10.0.0.2", "10.0.0.1"].slice(0, proxies);
    assert.equal(clientAddress(PEER, [forged, ...written].join(", "), proxies), "203.0.113.7");
  }));
});

test("networkOf() is an IPv4 address itself, and the /64 of an IPv6 address", () => {
  const networks: [address: string, network: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:0000::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["::192.0.2.1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["", ""],
    ["unknown", "unknown"],
  ];
  for (const [address, network] of networks) assert.equal(networkOf(address), network, address);
});
