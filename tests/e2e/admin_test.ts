/** The admin listener of the executable: health, readiness, metrics, and who may see them. */

import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { fetchMetrics, parseMetrics } from "../helpers/metrics.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const EVENT = '{"event":"note.failed","data":{"note_id":"n1"}}';
const OTHER = '{"event":"note.failed","data":{"note_id":"n2"}}';
const TOKEN = "tok_0123456789abcdef";

const parts = { targets: `crm: http({ url: "http://127.0.0.1:1", retry: ["1h"] })`, routes: `{ on: "**", to: "crm" }` };

/** Runs a relay whose admin listener is as `admin` says. */
async function withAdmin(admin: string, work: (adminUrl: string, relay: RunningRelay) => Promise<void>): Promise<void> {
  const relay = await startRelay(configOf({ ...parts, admin }));
  try {
    await work(await relay.adminUrl(), relay);
  } finally {
    await relay.close();
  }
}

/** Status and text of an answer. */
async function get(url: string, headers: Record<string, string> = {}): Promise<[status: number, text: string]> {
  const response = await fetch(url, { headers });
  return [response.status, await response.text()];
}

test("admin answers health and readiness, and 404 to what it does not know", async () => {
  await withAdmin("{ port: 0 }", async (adminUrl, relay) => {
    assert.deepEqual(await get(`${adminUrl}/healthz`), [200, "OK"]);
    assert.deepEqual(await get(`${adminUrl}/readyz`), [200, "OK"]);
    for (const path of ["/webhook", "/metric", "/readyz/"]) assert.equal((await get(adminUrl + path))[0], 404, path);
    for (const path of ["/readyz", "/metrics"]) assert.equal((await get(relay.url + path))[0], 404, `public ${path}`);
    assert.deepEqual(await get(`${relay.url}/healthz`), [200, "OK"]);
  });
});

test("admin is not ready while another program holds the store, and is again without a restart", async () => {
  await withAdmin("{ port: 0 }", async (adminUrl, relay) => {
    const other = new DatabaseSync(join(relay.folder, "relay.db"));
    try {
      other.exec("PRAGMA busy_timeout = 5000"); // the relay may be writing at this moment
      other.exec("BEGIN IMMEDIATE");
      const ready = get(`${adminUrl}/readyz`);
      const [first] = await Promise.all([Promise.race([ready, get(`${adminUrl}/healthz`)]), ready]);
      assert.deepEqual(first, [200, "OK"], "health waits for no store");
      const [status, text] = await ready;
      assert.equal(status, 503);
      assert.match(text, /^Cannot write to the store: the file is locked by another program/);
      other.exec("ROLLBACK");
    } finally {
      other.close();
    }
    assert.deepEqual(await get(`${adminUrl}/readyz`), [200, "OK"]);
    assert.equal((await relay.post(EVENT)).text, "OK");
  });
});

test("admin is not ready while the store's file is away, and is again once it is back", async () => {
  await withAdmin("{ port: 0 }", async (adminUrl, relay) => {
    const [here, away] = [join(relay.folder, "relay.db"), join(relay.folder, "away.db")];
    renameSync(here, away);
    const [status, text] = await get(`${adminUrl}/readyz`);
    assert.equal(status, 503);
    assert.match(text, /^Cannot write to the store: .*relay\.db is gone/);
    const told = await relay.logged("the reason", ({ path }) => path === "/readyz");
    assert.deepEqual([told.level, told.problem], ["error", text]);
    const refused = await relay.post(EVENT);
    assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [503, "5"]);
    writeFileSync(here, "");
    assert.match(
      (await get(`${adminUrl}/readyz`))[1],
      /^Cannot write to the store: .*relay\.db was replaced by another file/,
    );
    renameSync(away, here);
    assert.deepEqual(await get(`${adminUrl}/readyz`), [200, "OK"]);
    assert.equal((await relay.post(EVENT)).text, "OK", "what was refused can be sent again");
  });
});

test("admin tells every metric of the contract, with the outcomes of a few events", async () => {
  const sink = await startSink((response, { path, headers }) => {
    const isFirst = headers["relay-attempt"] === "1";
    response.statusCode = path === "/refuses" ? 400 : path === "/later" && isFirst ? 500 : 200;
    response.end();
  });
  const target = (name: string) => `${name}: http({ url: "${sink.url}/${name}", retry: ["10ms"] })`;
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: `${["takes", "refuses", "later"].map(target)}, held: http({ url: "http://127.0.0.1:1", retry: ["1h"] })`,
    routes: `{ on: "**", to: ["takes", "refuses", "later", "held"] }`,
  }));
  try {
    const adminUrl = await relay.adminUrl();
    const begin = await fetchMetrics(adminUrl);
    for (const target of ["takes", "refuses", "later", "held"]) {
      for (const name of ["delivery_backlog", "oldest_pending_seconds", "circuit_open"]) {
        assert.equal(begin[`relay_${name}{target="${target}"}`], 0, `${name} of ${target} before any event`);
      }
    }
    for (const body of [EVENT, EVENT]) await relay.post(body);
    await relay.post(OTHER, { signature: `sha256=${"0".repeat(64)}` });
    await relay.post(OTHER, { signature: null });
    for (
      const [target, word] of [["takes", "delivered"], ["refuses", "dead"], ["later", "delivered"], ["held", "failed"]]
    ) {
      await relay.logged(`${target}'s end`, (one) => one.target === target && String(one.message).startsWith(word!));
    }

    const response = await fetch(`${adminUrl}/metrics`);
    assert.match(response.headers.get("Content-Type")!, /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`).sort();
    assert.deepEqual(kinds, [
      "relay_ack_duration_seconds histogram",
      "relay_attempt_duration_seconds histogram",
      "relay_build_info gauge",
      "relay_circuit_open gauge",
      "relay_deliveries_total counter",
      "relay_delivery_attempts_total counter",
      "relay_delivery_backlog gauge",
      "relay_events_received_total counter",
      "relay_note_requests_total counter",
      "relay_oldest_pending_seconds gauge",
      "relay_receipts_total counter",
      "relay_store_bytes gauge",
      "relay_store_commit_duration_seconds histogram",
    ]);
    const metrics = parseMetrics(text);
    const counters = Object.entries(metrics).filter(([name]) => /_total\b|_count\b|backlog|circuit/.test(name));
    const { relay_store_commit_duration_seconds_count: commits, ...counted } = Object.fromEntries(counters);
    assert.ok(commits! > 0 && commits! < 50, `${commits} commits`);
    assert.deepEqual(counted, {
      'relay_events_received_total{result="stored",source="connectvets"}': 1,
      'relay_events_received_total{result="duplicate",source="connectvets"}': 1,
      'relay_events_received_total{result="signature_wrong",source="connectvets"}': 1,
      'relay_events_received_total{result="signature_missing",source="connectvets"}': 1,
      'relay_events_received_total{result="signature_malformed",source="connectvets"}': 0,
      'relay_events_received_total{result="store_failed",source="connectvets"}': 0,
      'relay_delivery_attempts_total{outcome="delivered",reason="",target="takes"}': 1,
      'relay_delivery_attempts_total{outcome="dead",reason="refused",target="refuses"}': 1,
      'relay_delivery_attempts_total{outcome="retry",reason="server_failed",target="later"}': 1,
      'relay_delivery_attempts_total{outcome="delivered",reason="",target="later"}': 1,
      'relay_delivery_attempts_total{outcome="retry",reason="connection_refused",target="held"}': 1,
      'relay_deliveries_total{state="delivered",target="takes"}': 1,
      'relay_deliveries_total{state="dead",target="refuses"}': 1,
      'relay_deliveries_total{state="delivered",target="later"}': 1,
      'relay_deliveries_total{state="dead",target="takes"}': 0,
      'relay_deliveries_total{state="delivered",target="refuses"}': 0,
      'relay_deliveries_total{state="dead",target="later"}': 0,
      'relay_deliveries_total{state="delivered",target="held"}': 0,
      'relay_deliveries_total{state="dead",target="held"}': 0,
      "relay_ack_duration_seconds_count": 2,
      'relay_attempt_duration_seconds_count{target="takes"}': 1,
      'relay_attempt_duration_seconds_count{target="refuses"}': 1,
      'relay_attempt_duration_seconds_count{target="later"}': 2,
      'relay_attempt_duration_seconds_count{target="held"}': 1,
      'relay_delivery_backlog{target="takes"}': 0,
      'relay_delivery_backlog{target="refuses"}': 0,
      'relay_delivery_backlog{target="later"}': 0,
      'relay_delivery_backlog{target="held"}': 1,
      'relay_circuit_open{target="takes"}': 0,
      'relay_circuit_open{target="refuses"}': 0,
      'relay_circuit_open{target="later"}': 0,
      'relay_circuit_open{target="held"}': 0,
    });
    const age = metrics['relay_oldest_pending_seconds{target="held"}']!;
    assert.ok(age > 0 && age < 60, `${age} s`);
    assert.equal(metrics['relay_oldest_pending_seconds{target="takes"}'], 0);
    assert.ok(metrics.relay_store_bytes! > 0);
    const { version, runtime } = JSON.parse((await runRelay(["version", "--json"])).stdout);
    assert.equal(metrics[`relay_build_info{runtime="${runtime}",version="${version}"}`], 1);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("admin asks for its token before anything but health", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (adminUrl, relay) => {
    const wrong: Record<string, string>[] = [
      {},
      { Authorization: "Bearer wrong" },
      { Authorization: `Bearer ${TOKEN}x` },
      { Authorization: "Bearer " },
      { Authorization: TOKEN },
      { Authorization: `Basic ${TOKEN}` },
    ];
    for (const path of ["/readyz", "/metrics", "/nothing", "/"]) {
      for (const headers of wrong) {
        assert.deepEqual(await get(adminUrl + path, headers), [401, "Unauthorized"], JSON.stringify(headers));
      }
    }
    const right = { Authorization: `Bearer ${TOKEN}` };
    assert.deepEqual(await get(`${adminUrl}/healthz`), [200, "OK"]);
    assert.deepEqual(await get(`${adminUrl}/readyz`, right), [200, "OK"]);
    assert.equal((await get(`${adminUrl}/metrics`, right))[0], 200);
    assert.equal((await get(`${adminUrl}/nothing`, right))[0], 404);
    const { headers } = await fetch(`${adminUrl}/metrics`);
    assert.equal(headers.get("WWW-Authenticate"), "Bearer");
    assert.ok(!relay.output().includes(TOKEN));
  });
});

test("admin keeps asking for its token after a reload whose config has none", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (adminUrl, relay) => {
    for (const [count, admin] of ["false", "{ port: 0 }"].entries()) {
      writeFileSync(join(relay.folder, "relay.config.ts"), configOf({ ...parts, admin }));
      process.kill(relay.child.pid!, "SIGHUP");
      const warnings = () => relay.log().filter(({ message }) => /`admin`.* at the next restart/.test(String(message)));
      await relay.logged("what a reload leaves", () => warnings().length > count);
      assert.equal((await get(`${adminUrl}/metrics`))[0], 401, admin);
      assert.equal((await get(`${adminUrl}/metrics`, { Authorization: `Bearer ${TOKEN}` }))[0], 200, admin);
    }
  });
});

test("admin asks for the token of the config that was loaded last, and the log never has it", async () => {
  await withAdmin(`{ port: 0, token: "${TOKEN}" }`, async (adminUrl, relay) => {
    const status = async (token: string) => (await get(`${adminUrl}/metrics`, { Authorization: `Bearer ${token}` }))[0];
    const next = `next_${TOKEN}`;
    const admin = `{ port: 0, token: "${next}" }`;
    writeFileSync(join(relay.folder, "relay.config.ts"), configOf({ ...parts, admin }));
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the reload", () => relay.log().some(({ message }) => String(message).startsWith("reloaded")));
    assert.equal(await status(TOKEN), 401);
    assert.equal(await status(next), 200);
    assert.doesNotMatch(relay.output(), /at the next restart/);
    assert.ok(!relay.output().includes(TOKEN));
  });
});

test("admin tells the targets of the config that was loaded last", async () => {
  await withAdmin("{ port: 0 }", async (adminUrl, relay) => {
    const more = `${parts.targets}, novo: http({ url: "http://127.0.0.1:1" })`;
    const rows: [targets: string, backlog?: number][] = [[more, 0], [parts.targets]];
    for (const [count, [targets, backlog]] of rows.entries()) {
      writeFileSync(join(relay.folder, "relay.config.ts"), configOf({ ...parts, targets, admin: "{ port: 0 }" }));
      process.kill(relay.child.pid!, "SIGHUP");
      const reloads = () => relay.log().filter(({ message }) => String(message).startsWith("reloaded"));
      await relay.logged("the reload", () => reloads().length > count);
      assert.equal((await fetchMetrics(adminUrl))['relay_delivery_backlog{target="novo"}'], backlog);
    }
  });
});

test("serve ends with 1 and names admin.port where another program listens on it", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  try {
    const config = configOf({ ...parts, admin: `{ port: ${sink.port} }` });
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    const { code, stderr } = await runRelay(["serve"], { cwd: folder.path });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Cannot listen on 127\.0\.0\.1:\d+: deno \(process \d+\) already listens there\n {2}hint: .* another `admin\.port` in the config\n$/,
    );
  } finally {
    folder.remove();
    await sink.close();
  }
});
