/** Email by a provider's API on the executable: a limit is waited for, a mail goes out once, and the key stays hidden. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink, status } from "../helpers/sink.ts";

const KEY = "re_0123456789_AbCdEf+/";

test("serve sends by Resend once a limit is over, under the same key, and hides the API's key that comes back", async () => {
  const resend = await startSink((response, request, count) => {
    const limit = status(429, '{"name":"rate_limit_exceeded","message":"Too many requests"}', { "Retry-After": "1" });
    const refusal = JSON.stringify({
      name: "invalid_api_key",
      message: `No such key: ${request.headers.authorization}`,
    });
    [limit, status(200, '{"id":"49a3999c"}'), status(401, refusal)][count - 1]!(response, request, count);
  });
  const env = { RESEND_API_KEY: KEY };
  const via = `resend({ apiKey: env("RESEND_API_KEY"), baseUrl: "${resend.url}" })`;
  const config = configOf({
    targets:
      `equipe: email({ via: ${via}, from: "relay@clinica.example", to: "equipe@clinica.example", retry: ["10ms"] })`,
    routes: '{ on: "**", to: "equipe" }',
  }).replace("import {", "import { resend,");
  const relay = await startRelay(config, { env });
  try {
    await relay.post('{"event":"note.failed","data":{"note_id":"nota-42"}}');
    await relay.logged("the delivery", ({ outcome }) => outcome === "delivered");
    const [first, second] = resend.requests;
    assert.ok(second!.at - first!.at >= 950, "the limit was waited for");
    assert.ok(first!.headers["idempotency-key"]);
    assert.equal(first!.headers["idempotency-key"], second!.headers["idempotency-key"]);
    assert.equal(first!.headers.authorization, `Bearer ${KEY}`);

    await relay.post('{"event":"note.failed","data":{"note_id":"nota-43"}}');
    const { detail, event } = await relay.logged("the refusal", ({ outcome }) => outcome === "dead");
    assert.equal(detail, "The target answered 401: No such key: Bearer [secret]");
    const shown = await Promise.all(
      [["events", String(event)], ["events", String(event), "--json"], ["check"], ["status", "--json"]].map((args) =>
        runRelay(args, { cwd: relay.folder, env })
      ),
    );
    assert.deepEqual(shown.map(({ code }) => code), [0, 0, 0, 0]);
    const all = relay.output() + shown.map(({ stdout, stderr }) => stdout + stderr).join("");
    assert.match(all, /No such key: Bearer \[secret\]/);
    assert.ok(!all.includes(KEY), "no key");
  } finally {
    await relay.close();
    await resend.close();
  }
});
