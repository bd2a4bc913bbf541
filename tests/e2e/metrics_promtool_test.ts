/** The executable's metrics while it is at work: sound by Prometheus' own checks, and equal to what was sent. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchMetrics, parseMetrics } from "../helpers/metrics.ts";
import { needsPromtool, promtool } from "../helpers/promtool.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

/** Batches of requests, all of one batch at once; and what a batch holds. */
const BATCHES = 8;
const batch = { genuine: 40, again: 10, forged: 8, unsigned: 4, malformed: 6 };

const event = (batch: number, number: number) =>
  `{"event":"note.completed","data":{"note_id":"${batch}-${number}","text":"Consulta \\"quente\\" \\\\ 38,9 °C"}}`;

/** Sends one batch: repeats only once what they repeat is stored. */
async function sendBatch(relay: RunningRelay, index: number): Promise<void> {
  const some = (count: number, send: (number: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, number) => send(number)));
  await Promise.all([
    some(batch.genuine, (number) => relay.post(event(index, number))),
    some(batch.forged, (number) => relay.post(event(index, number), { signature: `sha256=${"0".repeat(64)}` })),
    some(batch.unsigned, (number) => relay.post(event(index, number), { signature: null })),
    some(batch.malformed, (number) => relay.post(`[${index},${number}]`)),
  ]);
  await some(batch.again, (number) => relay.post(event(index, number)));
}

test("metrics pass promtool under load, and equal what was sent", needsPromtool, async () => {
  const sink = await startSink((response, { path, headers }) => {
    const isFirst = headers["relay-attempt"] === "1";
    response.statusCode = path === "/refuses" ? 400 : path === "/fails" || path === "/later" && isFirst ? 500 : 200;
    response.end();
  });
  const target = (name: string, retry: string) =>
    `${name}: http({ url: "${sink.url}/${name}", retry: ${retry}, circuit: false })`;
  const targets = [["takes", '["1h"]'], ["refuses", '["1h"]'], ["later", '["10ms"]'], ["fails", '["10ms"]']];
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: targets.map(([name, retry]) => target(name!, retry!)).join(", "),
    routes: '{ on: "**", to: ["takes", "refuses", "later", "fails"] }',
  }));
  try {
    const adminUrl = await relay.adminUrl();
    const scrapes: Record<string, number>[] = [];
    const scrape = async () => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text();
      assert.deepEqual(await promtool(["check", "metrics"], text), { code: 0, output: "" });
      scrapes.push(parseMetrics(text));
    };
    await scrape();
    for (let index = 0; index < BATCHES; index++) await Promise.all([sendBatch(relay, index), scrape()]);

    const stored = BATCHES * batch.genuine;
    const ended = /^relay_deliveries_total\b/;
    const sum = (metrics: Record<string, number>) =>
      Object.entries(metrics).reduce((sum, [name, value]) => ended.test(name) ? sum + value : sum, 0);
    await until("the end of every delivery", async () => sum(await fetchMetrics(adminUrl)) >= targets.length * stored);
    await scrape();

    const counters = Object.entries(scrapes.at(-1)!).filter(([name]) => /_total\b|_count\b|backlog/.test(name));
    const { relay_store_commit_duration_seconds_count: commits, ...counted } = Object.fromEntries(counters);
    assert.deepEqual(counted, {
      'relay_events_received_total{result="stored",source="connectvets"}': stored,
      'relay_events_received_total{result="duplicate",source="connectvets"}': BATCHES * batch.again,
      'relay_events_received_total{result="signature_wrong",source="connectvets"}': BATCHES * batch.forged,
      'relay_events_received_total{result="signature_missing",source="connectvets"}': BATCHES * batch.unsigned,
      'relay_events_received_total{result="signature_malformed",source="connectvets"}': 0,
      'relay_events_received_total{result="body_invalid",source="connectvets"}': BATCHES * batch.malformed,
      'relay_events_received_total{result="store_failed",source="connectvets"}': 0,
      'relay_delivery_attempts_total{outcome="delivered",reason="",target="takes"}': stored,
      'relay_delivery_attempts_total{outcome="dead",reason="refused",target="refuses"}': stored,
      'relay_delivery_attempts_total{outcome="retry",reason="server_failed",target="later"}': stored,
      'relay_delivery_attempts_total{outcome="delivered",reason="",target="later"}': stored,
      'relay_delivery_attempts_total{outcome="retry",reason="server_failed",target="fails"}': 2 * stored,
      ...Object.fromEntries(["takes", "refuses", "later", "fails"].flatMap((target) => {
        const isDelivered = target === "takes" || target === "later";
        return [
          [`relay_deliveries_total{state="delivered",target="${target}"}`, isDelivered ? stored : 0],
          [`relay_deliveries_total{state="dead",target="${target}"}`, isDelivered ? 0 : stored],
          [`relay_delivery_backlog{target="${target}"}`, 0],
        ];
      })),
      "relay_ack_duration_seconds_count": stored + BATCHES * batch.again,
      'relay_attempt_duration_seconds_count{target="takes"}': stored,
      'relay_attempt_duration_seconds_count{target="refuses"}': stored,
      'relay_attempt_duration_seconds_count{target="later"}': 2 * stored,
      'relay_attempt_duration_seconds_count{target="fails"}': 2 * stored,
    });
    // Each batch needs a commit of its own; events and attempts share them.
    assert.ok(commits! >= BATCHES && commits! <= stored + BATCHES * batch.again + 6 * stored, `${commits} commits`);

    for (const [index, after] of scrapes.slice(1).entries()) {
      const falls = Object.entries(scrapes[index]!).filter(([name, value]) =>
        /_total\b|_count\b|_sum\b|_bucket\b/.test(name) && !(after[name]! >= value)
      );
      assert.deepEqual(falls, [], `counters that fall from scrape ${index} to the next`);
    }
  } finally {
    await relay.close();
    await sink.close();
  }
});
