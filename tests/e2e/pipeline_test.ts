/** From acceptance to delivery on the executable: where events go, how often, and in which order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { type Sink, type SinkRequest, startSink } from "../helpers/sink.ts";

/** Starts a relay beside one sink, at whose paths its targets are, and ends both. */
async function withRelay(
  parts: { targets: Record<string, string>; routes: string; source?: string; more?: string; sink?: Sink },
  use: (relay: RunningRelay, sink: Sink) => Promise<void>,
): Promise<void> {
  const sink = parts.sink ?? await startSink();
  const targets = Object.entries(parts.targets).map(([name, more]) =>
    `${name}: http({ url: "${sink.url}/${name}", ${more} })`
  );
  const relay = await startRelay(configOf({ ...parts, targets: targets.join(", ") }));
  try {
    await use(relay, sink);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** A genuine event. */
function event(name: string, data: object = {}, envelope: object = {}): string {
  return JSON.stringify({ event: name, ...envelope, data });
}

/** Path and event of what arrived, sorted. */
function arrivals(requests: SinkRequest[]): string[] {
  return requests.map(({ path, headers }) => `${path} ${headers["relay-event-type"]}`).sort();
}

/** Whether a record says that a delivery was made. */
function isDelivered(record: Record<string, unknown>): boolean {
  return String(record.message).startsWith("delivered");
}

/** Resolves when so many deliveries are recorded, so that a further one would have been seen. */
async function allDelivered(relay: RunningRelay, count: number): Promise<void> {
  await relay.logged(`${count} deliveries`, () => relay.log().filter(isDelivered).length >= count);
}

test("route() sends an event to every matching target once, else to the fallback", async () => {
  await withRelay({
    targets: { a: "", b: "", rest: "" },
    routes: `
      { on: "note.*", to: ["a", "b", "a"] },
      { on: ["note.failed", "**"], to: "a", when: (e) => e.event.startsWith("note.") },
      { on: "note.failed", to: "b" },`,
    more: 'fallback: "rest",',
  }, async (relay, sink) => {
    for (const name of ["note.failed", "note.transcription.failed", "other"]) await relay.post(event(name));
    await allDelivered(relay, 4);
    const expected = ["/a note.failed", "/a note.transcription.failed", "/b note.failed", "/rest other"];
    assert.deepEqual(arrivals(sink.requests), expected);
    const ids = sink.requests.map(({ headers }) => headers["relay-delivery-id"]);
    assert.equal(new Set(ids).size, 4);
  });
});

test("accept() keeps an event that goes nowhere", async () => {
  await withRelay({ targets: { a: "" }, routes: '{ on: "note.failed", to: "a" }' }, async (relay, sink) => {
    assert.equal((await relay.post(event("other"))).text, "OK");
    assert.equal((await relay.post(event("other"))).text, "Already processed");
    const record = await relay.logged("the event", ({ message }) => String(message).startsWith("accepted"));
    assert.deepEqual([record.type, record.targets], ["other", []]);
    assert.match(String(record.message), /no target/);
    await relay.post(event("note.failed"));
    await allDelivered(relay, 1);
    assert.deepEqual(arrivals(sink.requests), ["/a note.failed"]);
  });
});

test("accept() takes an event although functions of the config throw", async () => {
  await withRelay({
    targets: { a: "", b: "", c: 'order: () => { throw new Error("order broke") },' },
    source: 'dedupe: () => { throw new Error("dedupe broke") },',
    routes: `
      { on: "**", to: "a", when: (e) => e.data.error.code === "X" },
      { on: "**", to: "a", when: async () => { throw new Error("late") } },
      { on: "**", to: ["b", "c"] },`,
  }, async (relay, sink) => {
    const first = await relay.post(event("note.completed"));
    assert.deepEqual([first.status, first.text], [200, "OK"]);
    assert.equal((await relay.post(event("note.completed"))).text, "Already processed");
    await allDelivered(relay, 2);
    assert.deepEqual(arrivals(sink.requests), ["/b note.completed", "/c note.completed"]);
    const problems = relay.log().flatMap(({ level, problem }) => level === "warning" && problem ? [`${problem}`] : []);
    for (const why of [/^routes\[0\]\.when threw: ./, /^routes\[1\]\.when/, /dedupe broke/, /order broke/]) {
      assert.equal(problems.filter((problem) => why.test(problem)).length, 1, `${why} in ${problems.join("; ")}`);
    }
    assert.equal((await relay.post(event("other"))).text, "OK");
  });
});

test("accept() takes equal requests that come at the same moment once", async () => {
  await withRelay({ targets: { a: "" }, routes: '{ on: "**", to: "a" }' }, async (relay, sink) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => relay.post(event("note.completed"))));
    assert.ok(answers.every(({ status }) => status === 200));
    const texts = answers.map(({ text }) => text).sort();
    assert.deepEqual(texts, [...Array(19).fill("Already processed"), "OK"]);
    await relay.post(event("other"));
    await allDelivered(relay, 2);
    assert.deepEqual(arrivals(sink.requests), ["/a note.completed", "/a other"]);
  });
});

test("accept() knows an event again by its `id`, else by its bytes, or as `dedupe` says", async () => {
  const stamp = (second: number) => ({ timestamp: `2024-02-14T18:25:0${second}Z`, webhook_id: "wh_1" });
  const rows: [source: string, body: string, answer: string][] = [
    ["", event("note.completed", { note_id: "1" }, { id: "evt_1", ...stamp(1) }), "OK"],
    ["", event("note.completed", { note_id: "1" }, { id: "evt_1", ...stamp(2) }), "Already processed"],
    ["", event("note.completed", { note_id: "1" }, { id: "evt_2", ...stamp(1) }), "OK"],
    ["", event("note.completed", { note_id: "1" }, { id: 7, ...stamp(1) }), "OK"],
    ["", event("note.completed", { note_id: "1" }, { id: 7, ...stamp(2) }), "Already processed"],
    ["", event("note.completed", { note_id: "1" }, stamp(1)), "OK"],
    ["", event("note.completed", { note_id: "1" }, stamp(2)), "OK"],
    ["", event("note.completed", { note_id: "2" }, stamp(2)), "OK"],
    ["", event("note.completed", { note_id: "2" }, stamp(2)), "Already processed"],
    ["", `${event("note.completed", { note_id: "2" }, stamp(2))} `, "OK"],
    ["dedupe: (e) => e.data.note_id,", event("note.completed", { note_id: "1" }, { id: "evt_1" }), "OK"],
    ["dedupe: (e) => e.data.note_id,", event("note.failed", { note_id: "1" }, { id: "evt_2" }), "Already processed"],
    ["dedupe: (e) => e.data.note_id,", event("note.failed", { note_id: "2" }, { id: "evt_1" }), "OK"],
  ];
  for (const source of new Set(rows.map(([source]) => source))) {
    await withRelay({ source, targets: { a: "" }, routes: '{ on: "**", to: "a" }' }, async (relay, sink) => {
      const own = rows.filter((row) => row[0] === source);
      for (const [, body, answer] of own) assert.deepEqual([body, (await relay.post(body)).text], [body, answer]);
      const expected = own.filter((row) => row[2] === "OK").map((row) => row[1]);
      await allDelivered(relay, expected.length);
      assert.deepEqual(sink.requests.map(({ body }) => body.toString()).sort(), expected.sort());
    });
  }
});

test("deliver() keeps the order of one key, past a delivery that fails first", async () => {
  const orderOf = (requests: SinkRequest[], key: string) =>
    requests.map(({ body }) => JSON.parse(body.toString()).data).filter((data) => data.id === key)
      .map((data) => data.number);
  let failFirst = () => {};
  const sink = await startSink((response, _request, count) => {
    if (count > 1) response.end("ok");
    else failFirst = () => void response.writeHead(500).end();
  });
  await withRelay({
    sink,
    targets: { a: 'retry: ["50ms", "50ms"], order: (e) => e.data.id,' },
    routes: '{ on: "**", to: "a" }',
  }, async (relay) => {
    await relay.post(event("note.completed", { id: "rex", number: 1 }));
    await sink.received(1);
    for (const number of [2, 3, 4]) await relay.post(event("note.completed", { id: "rex", number }));
    for (const number of [1, 2]) await relay.post(event("note.completed", { id: "mia", number }));
    await sink.received(3);
    assert.deepEqual(orderOf(sink.requests, "rex"), [1]);
    assert.deepEqual(orderOf(sink.requests, "mia"), [1, 2]);
    failFirst();
    assert.deepEqual(orderOf(await sink.received(7), "rex"), [1, 1, 2, 3, 4]);
    await allDelivered(relay, 6);
    assert.equal(sink.requests.length, 7);
  });
});

test("deliver() lets a target that hangs delay no other", async () => {
  const sink = await startSink((response, { path }) => {
    if (path !== "/slow") response.end("ok");
  });
  await withRelay({
    sink,
    targets: { slow: "", fast: "" },
    routes: '{ on: "**", to: ["slow", "fast"] }',
  }, async (relay) => {
    await Promise.all(Array.from({ length: 40 }, (_, number) => relay.post(event("note.completed", { number }))));
    await allDelivered(relay, 40);
    assert.ok(relay.log().filter(isDelivered).every(({ target }) => target === "fast"));
    const slow = sink.requests.filter(({ path }) => path === "/slow");
    assert.equal(slow.length, 8, "no more than its concurrency");
  });
});
