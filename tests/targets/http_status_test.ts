/** What the http target makes of each status, of `Retry-After`, of long answers and of a certificate nobody signed. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { attempt } from "../../lib/pipeline/attempt.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import { makeFolder } from "../helpers/folder.ts";
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
    if (outcome.kind !== "delivered") assert.match(outcome.detail, new RegExp(`^The target answered ${code}`));
  });
}

const HOUR = 3_600_000;
const httpDate = (inMs: number) => new Date(Date.now() + inMs).toUTCString();

const pauses = [
  { name: "seconds", value: () => "30", least: 30_000, most: 30_000 },
  { name: "no seconds", value: () => "0", least: 0, most: 0 },
  { name: "a date", value: () => httpDate(60_000), least: 30_000, most: 60_000 },
  { name: "a date that is past", value: () => httpDate(-60_000), least: 0, most: 0 },
  { name: "over an hour", value: () => "7200", least: HOUR, most: HOUR },
  { name: "a date in a year", value: () => httpDate(365 * 24 * HOUR), least: HOUR, most: HOUR },
  { name: "a number beyond all numbers", value: () => "9".repeat(400), least: HOUR, most: HOUR },
];
for (const code of [429, 503]) {
  for (const { name, value, least, most } of pauses) {
    test(`deliver() reads a Retry-After of ${name} with ${code}`, async () => {
      const { outcome } = await outcomeOf(status(code, "", { "Retry-After": value() }));
      assert.ok(outcome.kind === "retry" && outcome.pauseMs !== undefined, JSON.stringify(outcome));
      assert.ok(outcome.pauseMs >= least && outcome.pauseMs <= most, `${outcome.pauseMs} ms`);
    });
  }
}

for (const value of ["soon", "", "NaN", "12 parsecs"]) {
  test(`deliver() passes over a Retry-After of "${value}"`, async () => {
    const { outcome } = await outcomeOf(status(429, "", { "Retry-After": value }));
    assert.ok(outcome.kind === "retry");
    assert.equal(outcome.pauseMs ?? 0, 0);
  });
}

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

test("deliver() is tried again where nobody vouches for the certificate", async () => {
  const folder = makeFolder();
  const [key, cert] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
      .concat("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
    { stdio: "pipe" },
  );
  let requests = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    requests += 1;
    response.end("ok");
  });
  server.on("tlsClientError", () => {}); // the relay ends the handshake
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const outcome = await attempt(makeTarget(httpTarget, { url }), makeDelivery, never);
    assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["retry", "tls_failed"]);
    assert.equal(requests, 0);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  }
});

test("deliver() is tried again where the server speaks no TLS", async () => {
  const sink = await startSink();
  try {
    const target = makeTarget(httpTarget, { url: sink.url.replace("http:", "https:") });
    const outcome = await attempt(target, makeDelivery, never);
    assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["retry", "tls_failed"]);
  } finally {
    await sink.close();
  }
});
