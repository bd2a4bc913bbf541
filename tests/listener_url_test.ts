/** Addresses as URLs that can be opened. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerUrl } from "../lib/listener_url.ts";

test("listenerUrl() gives what a URL's parser takes, with host and port as they are", () => {
  const rows: [host: string, port: number, url: string][] = [
    ["0.0.0.0", 3000, "http://0.0.0.0:3000"],
    ["::", 3000, "http://[::]:3000"],
    ["::1", 9300, "http://[::1]:9300"],
    ["relay.clinica.example", 443, "http://relay.clinica.example:443"],
  ];
  for (const [host, port, url] of rows) {
    assert.equal(listenerUrl({ host, port }), url);
    assert.deepEqual([new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"), Number(new URL(url).port)], [host, port]);
  }
  assert.equal(listenerUrl({ host: "fe80::1%eth0", port: 1 }, "https"), "https://[fe80::1%25eth0]:1");
});
