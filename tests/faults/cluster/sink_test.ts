/** The sink of a cluster: what it notes of deliveries. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { sign } from "../../helpers/relay.ts";
import { until } from "../../helpers/wait.ts";
import { type ClusterSink, RELAY_HEADER, startClusterSink } from "./sink.ts";

const HOUR_MS = 3_600_000;

const event = (number: number) => JSON.stringify({ event: "note.completed", data: { note_id: String(number) } });

const headersOf = (body: string): Record<string, string> => ({
  "X-ConnectVets-Signature": sign(body),
  "Relay-Delivery-Id": "delivery",
  "Relay-Event-Id": "event",
  "Relay-Attempt": "2",
  [RELAY_HEADER]: "relay1",
});

test("startClusterSink() notes what came, when it began and when it was answered", async () => {
  await withSink(async (sink) => {
    assert.equal(await post(sink, "narrow", event(7)), 200);
    const [{ startedAt, endedAt, ...rest } = assert.fail()] = sink.arrivals;
    const told = { number: 7, target: "narrow", deliveryId: "delivery", eventId: "event", attempt: 2, relay: "relay1" };
    assert.deepEqual(rest, { ...told, connection: 1, isTaken: true });
    assert.ok(endedAt! - startedAt >= 49, "it takes a while");
  });
});

test("startClusterSink() answers as it is told, and takes only what is genuine for an event", async () => {
  await withSink(async (sink) => {
    sink.answer("plain", ({ number }) => number === 4 ? 400 : undefined);
    assert.equal(await post(sink, "plain", event(4)), 400);
    assert.equal(await post(sink, "plain", event(8)), 200);
    assert.equal(await post(sink, "plain", event(12), event(13)), 200);
    sink.answer("plain", undefined);
    assert.equal(await post(sink, "plain", event(4)), 200);
    assert.deepEqual(sink.arrivals.map(({ number, isTaken }) => [number, isTaken]), [
      [4, false],
      [8, true],
      [NaN, true],
      [4, true],
    ]);
  });
});

test("startClusterSink() notes when a relay says that it began, by the right clock", async () => {
  await withSink(async (sink) => {
    const body = JSON.stringify({ data: { note_id: "4" }, begunAt: 61_000 });
    assert.equal(await post(sink, "paced", body), 200);
    assert.equal(await post(sink, "paced", event(8)), 200);
    assert.deepEqual(sink.arrivals.map(({ number, begunAt }) => [number, begunAt]), [[4, 1_000], [NaN, undefined]]);
  });
});

test("startClusterSink() notes the end of a delivery whose connection ends before it is answered", async () => {
  await withSink(async (sink) => {
    const body = event(2);
    const client = connect(Number(new URL(sink.url).port), "127.0.0.1");
    client.on("error", () => {});
    client.write(`POST /narrow HTTP/1.1\r\nHost: sink\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until("the delivery to begin", () => sink.arrivals.length === 1);
    client.resetAndDestroy();
    const [arrival = assert.fail()] = sink.arrivals;
    await until("its end", () => arrival.endedAt);
    assert.equal(arrival.isTaken, false);
  }, [HOUR_MS, HOUR_MS]);
});

/** @param takesMs As {@link startClusterSink} takes it. */
async function withSink(use: (sink: ClusterSink) => Promise<void>, takesMs?: [number, number]): Promise<void> {
  const sink = await startClusterSink(() => 0, (relay) => relay === "relay1" ? 60_000 : 0, takesMs);
  try {
    await use(sink);
  } finally {
    await sink.close();
  }
}

/** Posts as a relay does; gives the status. */
async function post({ url }: ClusterSink, target: string, body: string, signed = body): Promise<number> {
  const response = await fetch(url + target, { method: "POST", body, headers: headersOf(signed) });
  await response.text();
  return response.status;
}
