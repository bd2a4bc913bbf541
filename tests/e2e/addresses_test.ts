/** The addresses that the executable prints for its listeners: whoever opens one reaches the listener. */

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { freePort } from "../helpers/port.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";

const hasIPv6 = Object.values(networkInterfaces()).flat().some((one) => one?.address === "::1");

for (const [host, shown] of [["0.0.0.0", "127.0.0.1"], ["::", "[::1]"], ["::1", "[::1]"]] as const) {
  const skip = host.includes(":") && !hasIPv6 && "this machine has no IPv6";
  test(`serve, check and send print URLs that work for a listener on ${host}`, { skip }, async () => {
    const port = await freePort();
    const config = configOf({
      port,
      admin: `{ host: "${host}", port: 0, token: "tok_0123456789abcdef" }`,
      targets: 'sistema: http({ url: "http://127.0.0.1:9/" })',
      routes: '{ on: "**", to: "sistema" }',
    }).replace('host: "127.0.0.1"', `host: "${host}"`);
    const relay = await startRelay(config);
    try {
      const urlOf = (start: string) => {
        const { message } = relay.log().find((record) => String(record.message).startsWith(start))!;
        assert.equal(/ and every other address of this machine/.test(String(message)), host !== "::1", String(message));
        return / (http:\/\/\S+?)(,| and |$)/.exec(String(message))![1]!;
      };
      await relay.adminUrl();
      for (const start of ["listening on ", "admin listener on "]) {
        const url = urlOf(start);
        assert.equal(new URL(url).hostname, shown, url);
        assert.equal((await fetch(`${url}/healthz`)).status, 200, url);
      }
      const check = await runRelay(["check"], { cwd: relay.folder });
      assert.match(check.stdout, new RegExp(`POST http://${RegExp.escape(shown)}:${port}/webhook`));
      assert.equal(check.stdout.includes("at every address of this machine"), host !== "::1");
      const sent = await runRelay(["send", "--json"], { cwd: relay.folder });
      const { url, status } = JSON.parse(sent.stdout);
      assert.deepEqual([url, status], [`http://${shown}:${port}/webhook`, 200]);
    } finally {
      await relay.close();
    }
  });
}
