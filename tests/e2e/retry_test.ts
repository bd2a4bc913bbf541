/** Attempts that fail, on the executable: which are made again, when, and when a delivery is dead. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { type Respond, type Sink, startSink, status } from "../helpers/sink.ts";
import { sleep } from "../helpers/wait.ts";

const EVENT = '{"event":"note.failed","data":{"note_id":"n1"}}';
const OTHER = '{"event":"note.failed","data":{"note_id":"n2"}}';

/** Starts a relay with one target, at a sink that answers as the test says. */
async function withTarget(
  respond: Respond,
  options: string,
  use: (relay: RunningRelay, sink: Sink) => Promise<void>,
): Promise<void> {
  const sink = await startSink(respond);
  const targets = `sistema: http({ url: "${sink.url}/in", ${options} })`;
  const relay = await startRelay(configOf({ targets, routes: `{ on: "**", to: "sistema" }` }));
  try {
    await use(relay, sink);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** Tells records apart by how their message begins. */
function starts(word: string): (record: Record<string, unknown>) => boolean {
  return ({ message }) => String(message).startsWith(word);
}

test("deliver() makes attempts by the schedule until one succeeds, all under one id", async () => {
  const answers = [status(500, "broken"), status(503), status(200)];
  await withTarget(
    (response, request, count) => answers[count - 1]!(response, request, count),
    'retry: ["100ms", "100ms"],',
    async (relay, sink) => {
      await relay.post(EVENT);
      await relay.logged("the delivery", starts("delivered"));
      assert.deepEqual(sink.requests.map(({ headers }) => headers["relay-attempt"]), ["1", "2", "3"]);
      assert.deepEqual(sink.requests.map(({ body }) => body.toString()), [EVENT, EVENT, EVENT]);
      const ids = new Set(sink.requests.map(({ headers }) => headers["relay-delivery-id"]));
      assert.equal(ids.size, 1);
      assert.match([...ids].join(), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      for (const [index, { at }] of sink.requests.slice(1).entries()) {
        const pause = at - sink.requests[index]!.at;
        assert.ok(pause >= 75, `attempt ${index + 2} came ${pause} ms after the one before`);
      }
      const failures = relay.log().filter(starts("failed"));
      assert.deepEqual(failures.map(({ attempt, status }) => [attempt, status]), [[1, 500], [2, 503]]);
      assert.ok(failures.every(({ reason, delivery }) => reason === "server_failed" && ids.has(`${delivery}`)));
    },
  );
});

test("deliver() gives up after n pauses and n + 1 attempts, and says why", async () => {
  await withTarget(status(500), 'retry: ["20ms", "20ms"],', async (relay, sink) => {
    await relay.post(EVENT);
    const dead = await relay.logged("its end", starts("dead"));
    assert.deepEqual([dead.level, dead.attempt, dead.reason, dead.status], ["error", 3, "server_failed", 500]);
    assert.match(String(dead.message), /note\.failed .* sistema .*attempt 3.*500/);
    assert.equal((await relay.post(EVENT)).text, "Already processed");
    await sleep(200); // ten times the pause: a fourth attempt would have come
    assert.equal(sink.requests.length, 3);
  });
});

test("deliver() tells by the answer whether another attempt can help", async () => {
  const away = { Location: "/elsewhere" };
  const rows: [name: string, respond: Respond, ends: "dead" | "failed", reason: string][] = [
    ["400", status(400), "dead", "refused"],
    ["401", status(401), "dead", "refused"],
    ["404", status(404, "no such path"), "dead", "refused"],
    ["410", status(410), "dead", "refused"],
    ["301", status(301, "", away), "dead", "redirected"],
    ["302", status(302, "", away), "dead", "redirected"],
    ["304", status(304), "dead", "redirected"],
    ["307", status(307, "", away), "dead", "redirected"],
    ["408", status(408), "failed", "refused"],
    ["425", status(425), "failed", "refused"],
    ["429", status(429), "failed", "rate_limited"],
    ["500", status(500), "failed", "server_failed"],
    ["599", status(599), "failed", "server_failed"],
    ["cut", (response) => void response.socket!.destroy(), "failed", "connection_reset"],
    ["silent", () => {}, "failed", "timed_out"],
  ];
  const sink = await startSink((response, request, count) => {
    const respond = rows.find(([name]) => `/${name}` === request.path)?.[1] ?? status(200);
    respond(response, request, count);
  });
  const targets = rows.map(([name]) =>
    `"${name}": http({ url: "${sink.url}/${name}", ${name === "silent" ? 'timeout: "200ms"' : ""} }),`
  );
  const to = JSON.stringify(rows.map(([name]) => name));
  const relay = await startRelay(configOf({ targets: targets.join(""), routes: `{ on: "**", to: ${to} }` }));
  try {
    await relay.post(EVENT);
    for (const [name, , ends, reason] of rows) {
      const record = await relay.logged(
        `the end of ${name}`,
        ({ target, attempt }) => target === name && attempt === 1,
      );
      assert.deepEqual([name, String(record.message).split(" ")[0], record.reason], [name, ends, reason]);
    }
    assert.deepEqual(sink.requests.map(({ path }) => path).sort(), rows.map(([name]) => `/${name}`).sort());
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("deliver() makes another attempt where nothing listens yet", async () => {
  const sink = await startSink();
  await sink.close();
  const targets = `sistema: http({ url: "${sink.url}/in", retry: ["20ms"] })`;
  const relay = await startRelay(configOf({ targets, routes: `{ on: "**", to: "sistema" }` }));
  try {
    await relay.post(EVENT);
    const failed = await relay.logged("the first failure", starts("failed"));
    assert.equal(failed.reason, "connection_refused");
    const dead = await relay.logged("its end", starts("dead"));
    assert.deepEqual([dead.attempt, dead.reason], [2, "connection_refused"]);
  } finally {
    await relay.close();
  }
});

test("deliver() honours Retry-After for the whole target", async () => {
  await withTarget(
    (response, request, count) => {
      if (count === 1) status(429, "slow down", { "Retry-After": "1" })(response, request, count);
      else response.end("ok");
    },
    'retry: ["10ms"],',
    async (relay, sink) => {
      await relay.post(EVENT);
      await relay.logged("the refusal", starts("failed"));
      await relay.post(OTHER);
      const [first, ...later] = await sink.received(3);
      for (const { at } of later) assert.ok(at - first!.at >= 1_000, `came after ${at - first!.at} ms`);
      assert.deepEqual(later.map(({ body }) => body.toString()).sort(), [EVENT, OTHER]);
      const again = later.find(({ body }) => body.toString() === EVENT)!;
      assert.equal(again.headers["relay-attempt"], "2");
      assert.equal(again.headers["relay-delivery-id"], first!.headers["relay-delivery-id"]);
    },
  );
});
