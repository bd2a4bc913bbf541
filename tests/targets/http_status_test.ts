/** What the http target makes of each status, of `Retry-After` and of long answers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "../helpers/attempt.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import { type Respond, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { reasonOf } from "./contract.ts";

/** The outcome of one attempt at a sink that answers so, and how many requests the sink saw. */
async function outcomeOf(respond: Respond) {
  const sink = await startSink(respond);
  try {
    const outcome = await attempt(makeTarget(httpTarget, { url: sink.url }), makeDelivery, never);
    assert.ok(outcome);
    return { outcome, requests: sink.requests.length };
  } finally {
    await sink.close();
  }
}

const rows = [
  { code: 200, kind: "delivered" },
  { code: 204, kind: "delivered" },
  { code: 299, kind: "delivered" },
  { code: 301, kind: "dead", reason: "redirected" },
  { code: 302, kind: "dead", reason: "redirected" },
  { code: 303, kind: "dead", reason: "redirected" },
  { code: 304, kind: "dead", reason: "redirected" },
  { code: 307, kind: "dead", reason: "redirected" },
  { code: 308, kind: "dead", reason: "redirected" },
  { code: 400, kind: "dead", reason: "refused" },
  { code: 401, kind: "dead", reason: "refused" },
  { code: 404, kind: "dead", reason: "refused" },
  { code: 408, kind: "retry", reason: "refused" },
  { code: 410, kind: "dead", reason: "refused" },
  { code: 413, kind: "dead", reason: "refused" },
  { code: 425, kind: "retry", reason: "refused" },
  { code: 429, kind: "retry", reason: "rate_limited" },
  { code: 500, kind: "retry", reason: "server_failed" },
  { code: 502, kind: "retry", reason: "server_failed" },
  { code: 503, kind: "retry", reason: "server_failed" },
];
for (const { code, kind, reason } of rows) {
  test(`deliver() makes of ${code}: ${kind}${reason ? `, ${reason}` : ""}`, async () => {
    const { outcome, requests } = await outcomeOf(status(code, "", { Location: "/elsewhere" }));
    assert.deepEqual([outcome.kind, reasonOf(outcome), outcome.status], [kind, reason, code]);
    assert.equal(requests, 1, "a redirect is not followed");
    if (outcome.kind !== "delivered") assert.match(String(outcome.detail), new RegExp(`^The target answered ${code}`));
  });
}

for (const code of [429, 503]) {
  test(`deliver() reads the Retry-After of ${code}`, async () => {
    const { outcome } = await outcomeOf(status(code, "", { "Retry-After": "30" }));
    assert.ok(outcome.kind === "retry", outcome.kind);
    assert.equal(outcome.pauseMs, 30_000);
  });
}

test("deliver() reads a Retry-After that is a date", async () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const { outcome } = await outcomeOf(status(503, "", { "Retry-After": date }));
  assert.ok(outcome.kind === "retry" && outcome.pauseMs !== undefined, JSON.stringify(outcome));
  assert.ok(outcome.pauseMs >= 30_000 && outcome.pauseMs <= 60_000, `${outcome.pauseMs} ms`);
});

test("deliver() keeps an answer's text, of success and of failure", async () => {
  assert.equal((await outcomeOf(status(201, "feito"))).outcome.answer, "feito");
  assert.equal((await outcomeOf(status(400, "não"))).outcome.answer, "não");
});

test("deliver() keeps at most 1 KiB of an answer", async () => {
  const { outcome: { answer = "" } } = await outcomeOf(status(500, "a".repeat(3) + "é".repeat(50_000)));
  assert.ok(answer.startsWith("aaaéé"));
  const bytes = new TextEncoder().encode(answer).byteLength;
  assert.ok(bytes > 1000 && bytes <= 1024, `${bytes} bytes`);
});
