/** Notes in full, on the executable: fetched once, kept, waited for, and what comes of it where there are none. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { API_KEY, type ConnectvetsApi, noteData, startConnectvetsApi } from "../helpers/connectvets_api.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink, status } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";

const eventOf = (id: string, event = "note.completed") =>
  JSON.stringify({ event, timestamp: "2026-01-31T02:10:00Z", data: { note_id: id, status: "completed" } });

interface Bench {
  api: ConnectvetsApi;
  sink: Sink;
  relay: RunningRelay;
  folder: string;
  /** Ends the relay and starts it anew, with the same store. */
  restart(signal?: NodeJS.Signals): Promise<RunningRelay>;
}

interface Parts {
  /** Further options of `connectvetsApi()`. */
  enrich?: string;
  /** Further options of the targets that make a message. */
  options?: string;
  to?: string;
  key?: string;
  more?: string;
  tellsLimits?: boolean;
}

/** Runs a relay whose targets `one`, `two`, `three` send the note's name, `bytes` what came in; `note.failed` needs none. */
async function withApi(
  { enrich = "", options = "", to = '"one"', key = API_KEY, more = "", tellsLimits }: Parts,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const api = await startConnectvetsApi({ tellsLimits });
  const sink = await startSink();
  const folder = makeFolder();
  const message = "body: (e) => ({ name: e.note?.name, titles: e.note?.note_sections.map(({ title }) => title) })";
  const targets = ["one", "two", "three"].map((name) => `${name}: http({ url: "${sink.url}/${name}", ${options} })`);
  const config = configOf({
    admin: "{ port: 0 }",
    targets: [...targets, `bytes: http({ url: "${sink.url}/bytes" })`].join(", "),
    routes: `
      { on: "note.completed", to: [${to}], ${message}, enrich: connectvetsApi({ key: env("KEY"), url: "${api.url}", ${enrich} }) },
      { on: "note.failed", to: "one", body: (e) => ({ plain: e.note === undefined }) },
      { on: "note.failed", to: "bytes" },`,
    more,
  });
  const start = () => startRelay(config, { folder: folder.path, env: { KEY: key } });
  const bench: Bench = {
    api,
    sink,
    relay: await start(),
    folder: folder.path,
    async restart(signal = "SIGTERM") {
      await bench.relay.end(signal);
      return bench.relay = await start();
    },
  };
  try {
    await work(bench);
    assert.ok(!bench.relay.output().includes(key), "the key is in the log");
    assert.ok(!bench.relay.output().includes("Texto clínico"), "clinical text is in the log");
  } finally {
    await bench.relay.close();
    await sink.close();
    await api.close();
    folder.remove();
  }
}

const bodiesOf = (sink: Sink, path = "/one") =>
  sink.requests.filter((one) => one.path === path).map(({ body }) => JSON.parse(body.toString()));

/** The newest event, as `relay events ID --json` tells of it. */
async function storyOf(folder: string, env = { KEY: API_KEY }) {
  const list = await runRelay(["events", "--json"], { cwd: folder, env });
  const [{ id }] = JSON.parse(list.stdout);
  const text = await runRelay(["events", id], { cwd: folder, env });
  return {
    text: text.stdout,
    story: JSON.parse((await runRelay(["events", id, "--json"], { cwd: folder, env })).stdout),
  };
}

/** Resolves with the story once its only delivery is in this state after so many attempts. */
function storyIn(folder: string, state: string, attempts: number) {
  return until(`a delivery that is ${state}`, async () => {
    const told = await storyOf(folder);
    const [delivery] = told.story.deliveries;
    return delivery.state === state && delivery.attempts === attempts && told;
  });
}

test("enrich fetches a note once for three targets, and keeps it with the event", async () => {
  await withApi({ to: '"one", "two", "three"' }, async ({ api, sink, relay, folder }) => {
    api.before("slow");
    await relay.post(eventOf("n-1"));
    await sink.received(3);
    const expected = { name: "Rex n-1", titles: ["Anamnese", "Conduta"] };
    for (const path of ["/one", "/two", "/three"]) assert.deepEqual(bodiesOf(sink, path), [expected]);
    assert.deepEqual(api.requests.map(({ id, status }) => [id, status]), [["n-1", 200]]);
    const { story, text } = await storyOf(folder);
    assert.deepEqual(story.note.data, noteData("n-1"));
    assert.ok(Date.parse(story.note.at) <= Date.now());
    assert.match(text, /Note, fetched .*\n[^]*"Texto clínico A"/);
    const admin = await relay.adminUrl();
    const read = async (path: string) => await (await fetch(admin + path)).text();
    assert.deepEqual(JSON.parse(await read(`/api/events/${story.id}`)).note, story.note);
    assert.match(await read(`/events/${story.id}`), /Texto clínico A/);
    for (const path of ["/", "/events", "/api/events"]) assert.doesNotMatch(await read(path), /Texto clínico|Rex/);
    assert.match(await read("/metrics"), /^relay_note_requests_total\{result="found"\} 1$/m);
    assert.ok(story.deliveries.every(({ attempts }: { attempts: number }) => attempts === 1));
  });
});

test("enrich asks no more for a note that is kept, whether the target fails, the relay restarts, or events are replayed", async () => {
  await withApi({ options: 'retry: ["300ms"], circuit: false' }, async (bench) => {
    const { api, sink, folder } = bench;
    await sink.close();
    await bench.relay.post(eventOf("n-1"));
    await bench.relay.logged("the failure", ({ message }) => String(message).startsWith("failed"));
    await bench.restart("SIGKILL");
    await storyIn(folder, "dead", 2);
    await runRelay(["replay", "--since", "1h", "--yes"], { cwd: folder, env: { KEY: API_KEY } });
    await until("the replay", async () => (await storyOf(folder)).story.deliveries.length === 2);
    assert.equal(api.requests.length, 1);
    const { story } = await storyOf(folder);
    const { stdout } = await runRelay(["test", "--record", story.id], { cwd: folder, env: { KEY: API_KEY } });
    const { note, expect } = JSON.parse(stdout);
    assert.deepEqual([note.name, expect.messages.one.body.name], ["Rex n-1", "Rex n-1"]);
    const routes = await runRelay(["routes", "--render"], { cwd: folder, env: { KEY: API_KEY } });
    assert.match(routes.stdout, /"name": "Rex"/, "of the sample");
  });
});

test("enrich waits as long as a 429 says, charges no attempt, and holds nobody back that needs no note", async () => {
  await withApi({ to: '"one", "two"' }, async (bench) => {
    const { api, sink, folder } = bench;
    api.before({ status: 429, retryAfter: "3" });
    await bench.relay.post(eventOf("n-1"));
    const { at } = await until("the refusal", () => api.requests[0]);
    api.before(undefined);
    await bench.relay.post(eventOf("n-2"));
    await bench.relay.post(eventOf("n-3", "note.failed"));
    await sink.received(2);
    assert.deepEqual(sink.requests.map(({ path }) => path).sort(), ["/bytes", "/one"], "those that need no note");
    const { story } = await storyOf(folder);
    assert.equal(story.note, null);
    await bench.restart();
    await bench.relay.post(eventOf("n-4"));
    await sink.received(8);
    await sleep(300);
    const [plain, ...notes] = bodiesOf(sink);
    assert.deepEqual(plain, { plain: true });
    assert.deepEqual(notes.map(({ name }) => name).sort(), ["Rex n-1", "Rex n-2", "Rex n-4"]);
    assert.ok(notes.every(({ titles }) => isDeepStrictEqual(titles, ["Anamnese", "Conduta"])));
    assert.equal(sink.requests.length, 8, "nothing is sent twice");
    assert.deepEqual(api.requests.map(({ status }) => status), [429, 200, 200, 200]);
    assert.ok(api.requests[1]!.at >= at + 3_000 - 50, `${api.requests[1]!.at - at} ms`);
    const attempts = sink.requests.map(({ headers }) => headers["relay-attempt"]);
    assert.deepEqual([...new Set(attempts)], ["1"]);
  });
});

test("enrich keeps the limit of a minute, also across a restart", { timeout: 60_000 }, async () => {
  // By its own count alone: neither 429 nor a header tells it.
  await withApi({ options: "concurrency: 64", tellsLimits: false }, async (bench) => {
    const { api, sink, folder } = bench;
    for (let count = 0; count < 104; count++) await bench.relay.post(eventOf(`n-${count}`));
    await sink.received(100, 30_000);
    await bench.restart("SIGKILL");
    await bench.relay.post(eventOf("n-new"));
    await bench.relay.post(eventOf("n-failed", "note.failed"));
    await sink.received(102);
    await sleep(500);
    assert.deepEqual([api.requests.length, api.given().length], [100, 100], "it never asks for more than it may");
    const db = new DatabaseSync(join(folder, "relay.db"), { readOnly: true });
    try {
      const waiting = db.prepare(
        "SELECT count(*) AS count FROM deliveries WHERE state = 'pending' AND awaits IS NOT NULL",
      );
      assert.deepEqual({ ...waiting.get() }, { count: 5 });
    } finally {
      db.close();
    }
  });
});

test("enrich makes a note that is not there, or a key that is refused, the delivery's reason, at once", async () => {
  await withApi({}, async ({ api, relay, folder }) => {
    await relay.post(eventOf("n-404"));
    const { story, text } = await storyIn(folder, "dead", 1);
    assert.equal(story.deliveries[0].reason, "note_missing");
    assert.deepEqual(story.note.data, null);
    assert.match(story.note.problem, /answered 404/);
    assert.match(text, /Note, could not be fetched/);
    const page = await fetch(`${await relay.adminUrl()}/events/${story.id}`);
    assert.match(await page.text(), /answered 404/);
    assert.match(text, /no such note/);
    assert.equal(api.requests.length, 1);
    await relay.post('{"event":"note.completed","data":{}}');
    const { story: unnamed } = await storyIn(folder, "dead", 1);
    assert.match(unnamed.deliveries[0].reason, /note_missing/);
    assert.equal(api.requests.length, 1, "there is nothing to ask for");
  });
  await withApi({ key: "cvn_test_wrong" }, async ({ relay, sink, folder }) => {
    await relay.post(eventOf("n-1"));
    const { story } = await storyIn(folder, "dead", 1);
    const [{ reason, history: [{ detail, status, answer }] }] = story.deliveries;
    assert.deepEqual([reason, status], ["note_refused", 401]);
    assert.match(detail, /key.*`sandbox`/);
    assert.match(answer, /unauthorized/);
    assert.equal(sink.requests.length, 0);
  });
});

test("enrich tries again by the schedule where the API fails, without a word to the target", async () => {
  await withApi({ options: 'retry: ["100ms", "100ms"]' }, async ({ api, sink, relay, folder }) => {
    api.before({ status: 503 });
    await relay.post(eventOf("n-1"));
    await relay.logged("a failure", ({ reason }) => reason === "note_unavailable");
    api.before({ status: 200, body: "<html>" });
    await relay.logged("an answer that is none", ({ detail }) => /not with JSON/.test(String(detail)));
    api.before(undefined);
    await sink.received(1);
    const { story } = await storyIn(folder, "delivered", 3);
    assert.deepEqual(story.deliveries[0].history.map(({ reason }: { reason: string }) => reason), [
      "note_unavailable",
      "note_unavailable",
      null,
    ]);
  });
});

test("enrich retries by hand what was dead for want of a note", async () => {
  await withApi({}, async ({ api, sink, relay, folder }) => {
    api.before({ status: 401 });
    await relay.post(eventOf("n-1"));
    await storyIn(folder, "dead", 1);
    api.before(undefined);
    await runRelay(["retry", "--dead", "--reason", "note_refused", "--yes"], { cwd: folder, env: { KEY: API_KEY } });
    await sink.received(1);
    const { story } = await storyIn(folder, "delivered", 2);
    assert.equal(story.note.problem, null);
  });
});

test("enrich goes without a note that is optional: at once where there is none, after a pause where the API fails", async () => {
  await withApi({ enrich: "optional: true" }, async ({ api, sink, relay, folder }) => {
    await relay.post(eventOf("n-404"));
    await sink.received(1);
    assert.deepEqual(bodiesOf(sink), [{}]);
    const { story } = await storyIn(folder, "delivered", 1);
    assert.match(story.note.problem, /answered 404/);
    api.before({ status: 429, retryAfter: "3600" });
    await relay.post(eventOf("n-2"));
    await sink.received(2);
    assert.deepEqual(bodiesOf(sink), [{}, {}]);
    const { story: limited } = await storyIn(folder, "delivered", 1);
    assert.match(limited.note.problem, /takes no request before/);
  });
  await withApi(
    { enrich: "optional: true", options: 'retry: ["200ms", "2m"]' },
    async ({ api, sink, relay, folder }) => {
      api.before({ status: 500 });
      await relay.post(eventOf("n-1"));
      await sink.received(1);
      assert.deepEqual(bodiesOf(sink), [{}]);
      await storyIn(folder, "delivered", 2);
      assert.deepEqual(api.requests.map(({ status }) => status), [500, 500]);
    },
  );
});

test("enrich gives a delivery back that waits for the API when the relay stops", async () => {
  await withApi({ more: 'drain: "200ms",' }, async (bench) => {
    bench.api.before("hang");
    await bench.relay.post(eventOf("n-1"));
    await until("the request", () => bench.api.requests[0]);
    bench.api.before(undefined);
    await bench.restart();
    await bench.sink.received(1);
    await storyIn(bench.folder, "delivered", 1);
  });
});

test("enrich on a target serves its own functions, and asks for nothing where a target sends the bytes received", async () => {
  const api = await startConnectvetsApi();
  const sink = await startSink(status(200, "ok"));
  const relay = await startRelay(configOf({
    targets: `chat: slack({ url: "${sink.url}/slack", enrich: connectvetsApi({ key: "${API_KEY}", url: "${api.url}" }),
      text: (e) => \`\${e.note.name}: \${e.note.note_sections.length}\` }),
      bytes: http({ url: "${sink.url}/bytes" })`,
    routes: `
      { on: "note.completed", to: "chat" },
      { on: "note.failed", to: "bytes", enrich: connectvetsApi({ key: "${API_KEY}", url: "${api.url}" }) },`,
  }));
  try {
    await relay.post(eventOf("n-1"));
    const [message] = await sink.received(1);
    assert.deepEqual(JSON.parse(message!.body.toString()), { text: "Rex n-1: 2" });
    await relay.post(eventOf("n-2", "note.failed"));
    const [, bytes] = await sink.received(2);
    assert.equal(bytes!.body.toString(), eventOf("n-2", "note.failed"));
    assert.equal(api.requests.length, 1);
    const { stdout } = await runRelay(["check"], { cwd: relay.folder });
    assert.match(stdout, /routes\[1\]\.enrich: has no effect/);
  } finally {
    await relay.close();
    await sink.close();
    await api.close();
  }
});
