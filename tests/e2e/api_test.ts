/** The operator's API of the executable: every path, held against its own OpenAPI document. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { VERSION } from "../../lib/version.ts";
import { type CheckAnswer, checkerOf, type OpenApi } from "../helpers/openapi.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const SECRET = "a secret of the target";
const ID = "01a20e20-eac0-7528-885f-46a6d6868040";

// deno-lint-ignore no-explicit-any -- what the document says of an answer is checked, and no type could say it better
type Json = any;

interface Api {
  /** Asks, holds the answer against the document, and gives it. */
  get(path: string, query?: string, status?: number): Promise<Json>;
  post(path: string, body?: unknown, status?: number): Promise<Json>;
  url: string;
  relay: RunningRelay;
  sink: Sink;
}

const routes = `{ on: "note.*", to: ["takes", "refuses", "waits"] }, { on: "case.*", to: "takes" }`;

function configFor(sink: Sink, more = ""): string {
  return configOf({
    admin: "{ port: 0 }",
    targets: `takes: http({ url: "${sink.url}/takes", body: (e) => ({ note: e.data?.note_id }) }),
      refuses: http({ url: "${sink.url}/refuses", headers: { "X-Api-Key": "${SECRET}" } }),
      waits: http({ url: "${sink.url}/waits", retry: ["1h"], circuit: false }), ${more}`,
    routes,
    more: `drain: "60s",`,
  });
}

/** Runs a relay with a target that takes events, one that refuses them, and one that cannot take them for now. */
async function withApi(work: (api: Api) => Promise<void>): Promise<void> {
  const sink = await startSink((response, { path, headers }) => {
    response.statusCode = path === "/refuses" ? 400 : path === "/waits" ? 500 : 200;
    response.end(path === "/refuses" ? `no ${headers["x-api-key"]}` : "ok");
  });
  const relay = await startRelay(configFor(sink));
  try {
    const url = await relay.adminUrl();
    let check: CheckAnswer | undefined;
    const ask = async (method: "get" | "post", path: string, url: string, status: number, body?: unknown) => {
      check ??= checkerOf(await (await fetch(`${apiUrl}/api/openapi.json`)).json());
      const response = await fetch(url, {
        method: method.toUpperCase(),
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const answer = await response.json();
      assert.equal(response.status, status, JSON.stringify(answer));
      assert.equal(check(method, path, status, answer), undefined, `${method} ${path}: ${JSON.stringify(answer)}`);
      return answer;
    };
    const apiUrl = url;
    const filled = (path: string, parts: string[]) => path.replaceAll(/\{\w+\}/g, () => parts.shift()!);
    await work({
      url,
      relay,
      sink,
      get: (path, query = "", status = 200) => {
        const [template, ...parts] = path.split(" ");
        return ask("get", template!, url + filled(template!, parts) + query, status);
      },
      post: (path, body, status = 200) => {
        const [template, ...parts] = path.split(" ");
        return ask("post", template!, url + filled(template!, parts), status, body);
      },
    });
  } finally {
    await relay.close();
    await sink.close();
  }
}

const eventOf = (note: string, type = "note.failed") => `{"event":"${type}","data":{"note_id":"${note}"}}`;

/** Posts events and waits until the first attempts of all their deliveries are made. */
async function send({ relay }: Api, deliveries: number, ...bodies: string[]): Promise<void> {
  const attempts = () => relay.log().filter(({ attempt }) => attempt === 1).length;
  const before = attempts();
  for (const body of bodies) assert.equal((await relay.post(body)).text, "OK");
  await until("the attempts", () => attempts() >= before + deliveries);
}

test("API describes itself in a valid OpenAPI document", async () => {
  await withApi(async ({ url }) => {
    const document: OpenApi = await (await fetch(`${url}/api/openapi.json`)).json();
    const { valid, errors } = await new Validator().validate(document as unknown as Record<string, unknown>);
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(document.openapi, "3.1.0");
    const operations = Object.entries(document.paths).flatMap(([path, one]) =>
      Object.keys(one).map((method) => `${method} ${path}`)
    );
    assert.deepEqual(operations.sort(), [
      "get /api/activity",
      "get /api/dead",
      "get /api/deliveries",
      "get /api/events",
      "get /api/events/{id}",
      "get /api/live",
      "get /api/status",
      "get /api/targets",
      "post /api/replay",
      "post /api/retry",
      "post /api/route",
      "post /api/targets/{name}/pause",
      "post /api/targets/{name}/resume",
      "post /api/targets/{name}/test",
    ]);
  });
});

test("API tells of an event, its deliveries and its targets", async () => {
  await withApi(async (api) => {
    assert.deepEqual(await api.get("/api/events"), { events: [], next: null });
    await send(api, 3, eventOf("n1"));
    const { events: [event] } = await api.get("/api/events");
    assert.deepEqual([event.source, event.type, event.state, event.noteId], [
      "connectvets",
      "note.failed",
      "accepted",
      "n1",
    ]);
    const [takes, refuses, waits] = event.deliveries;
    assert.deepEqual([takes.state, takes.reason, takes.nextAttemptAt], ["delivered", null, null]);
    assert.deepEqual([refuses.state, refuses.reason, refuses.attempts], ["dead", "refused", 1]);
    assert.deepEqual([waits.state, waits.reason], ["pending", "server_failed"]);
    assert.ok(Date.parse(waits.nextAttemptAt) > Date.now());

    for (const id of [event.id, takes.id, waits.id]) {
      const story = await api.get(`/api/events/{id} ${id}`);
      assert.equal(story.id, event.id);
      assert.deepEqual(story.body, { encoding: "utf8", text: eventOf("n1") });
      assert.deepEqual(story.payload, JSON.parse(eventOf("n1")));
      assert.deepEqual(story.secret, { number: 1, of: 1 });
      assert.equal(story.headers["x-connectvets-signature"], "[masked]");
      assert.deepEqual(story.routing.routes.map(({ verdict }: Json) => verdict), ["matched", "other_event"]);
      const [attempt] = story.deliveries[1].history;
      assert.deepEqual([attempt.attempt, attempt.outcome, attempt.status], [1, "dead", 400]);
      assert.equal(attempt.answer, "no [secret]");
    }

    const { deliveries } = await api.get("/api/deliveries", "?state=dead");
    assert.deepEqual(deliveries.map(({ id, event }: Json) => [id, event.id]), [[refuses.id, event.id]]);
    assert.equal((await api.get("/api/deliveries")).deliveries.length, 3);
    assert.equal((await api.get("/api/deliveries", "?state=dead&target=takes")).deliveries.length, 0);

    const { count, groups: [group] } = await api.get("/api/dead");
    assert.deepEqual([count, group.target, group.reason, group.count], [1, "refuses", "refused", 1]);
    assert.equal((await api.get("/api/dead", "?target=takes")).count, 0);

    const { backlog, dead, targets } = await api.get("/api/status");
    assert.deepEqual([backlog, dead], [1, 1]);
    assert.deepEqual(targets.map(({ name, state, kind }: Json) => [name, state, kind]), [
      ["takes", "ok", "http"],
      ["refuses", "failing", "http"],
      ["waits", "failing", "http"],
    ]);
    assert.deepEqual((await api.get("/api/targets")).targets, targets);

    const activity = await api.get("/api/activity", "?hours=1");
    assert.deepEqual(
      [activity.received, activity.delivered, activity.failed, activity.dead],
      [1, 1, 1, 1],
    );
  });
});

test("API masks the config's secrets in all that it answers", async () => {
  await withApi(async (api) => {
    await send(api, 3, eventOf(SECRET));
    const { events: [event] } = await api.get("/api/events");
    assert.equal(event.noteId, "[secret]");
    const { body, payload } = await api.get(`/api/events/{id} ${event.id}`);
    assert.equal(body.text, eventOf("[secret]"));
    assert.equal(payload.data.note_id, "[secret]");
    const preview = await api.post("/api/route", { event: "note.failed", data: { note_id: SECRET } });
    assert.deepEqual(preview.messages[0].message, { body: { note: "[secret]" } });
    const refused = await fetch(`${api.url}/api/events/${encodeURIComponent(SECRET)}`);
    assert.equal((await refused.json()).error, 'Cannot tell of "[secret]": no event and no delivery has this id');
  });
});

test("API pages through events, and filters them", async () => {
  await withApi(async (api) => {
    await send(api, 5, ...["n1", "n2", "n3", "n4", "n5"].map((note) => eventOf(note, "case.new")));
    assert.equal((await api.relay.post(eventOf("n6", "other"))).text, "OK");
    const seen: string[] = [];
    let query = "?limit=2";
    for (let pages = 0; pages < 10; pages++) {
      const { events, next } = await api.get("/api/events", query);
      assert.ok(events.length <= 2);
      seen.push(...events.map(({ noteId }: Json) => noteId));
      if (next === null) break;
      query = `?limit=2&cursor=${next}`;
    }
    assert.deepEqual(seen, ["n6", "n5", "n4", "n3", "n2", "n1"]);

    const rows: [query: string, notes: string[]][] = [
      ["type=other", ["n6"]],
      ["type=case.*&text=n3", ["n3"]],
      ["state=unrouted", ["n6"]],
      ["state=delivered&limit=1", ["n5"]],
      ["target=refuses", []],
      ["target=takes&text=n2", ["n2"]],
      [`since=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`, []],
      ["since=1h&limit=200", ["n6", "n5", "n4", "n3", "n2", "n1"]],
    ];
    for (const [filter, notes] of rows) {
      const { events } = await api.get("/api/events", `?${filter}`);
      assert.deepEqual(events.map(({ noteId }: Json) => noteId), notes, filter);
    }
  });
});

test("API retries what it is told to, at once, under the same id", async () => {
  await withApi(async (api) => {
    await send(api, 6, eventOf("n1"), eventOf("n2"));
    const { events: [event] } = await api.get("/api/events");
    const [takes, refuses, waits] = event.deliveries;
    const nobody = await api.post("/api/retry", { ids: [ID] });
    assert.deepEqual([nobody.retried, nobody.unknown], [0, [ID]]);

    const one = await api.post("/api/retry", { ids: [event.id] });
    assert.deepEqual([one.retried, one.deliveries.map(({ id }: Json) => id)], [2, [refuses.id, waits.id]]);
    assert.deepEqual(one.untouched, [{ id: takes.id, target: "takes", state: "delivered" }]);
    await until(
      "the second attempt",
      () =>
        api.sink.requests.find(({ headers }) =>
          headers["relay-delivery-id"] === refuses.id && headers["relay-attempt"] === "2"
        ),
    );
    await until("both to be dead", async () => (await api.get("/api/dead")).count === 2);

    assert.equal((await api.post("/api/retry", { dead: true, target: "takes" })).retried, 0);
    assert.equal((await api.post("/api/retry", { dead: true, reason: "timed_out" })).retried, 0);
    const all = await api.post("/api/retry", { dead: true, target: "refuses", reason: "refused", since: "1h" });
    assert.deepEqual([all.retried, all.interrupted], [2, false]);
    await until(
      "the third attempt",
      () =>
        api.sink.requests.find(({ headers }) =>
          headers["relay-delivery-id"] === refuses.id && headers["relay-attempt"] === "3"
        ),
    );
  });
});

test("API replays events as new deliveries", async () => {
  await withApi(async (api) => {
    await send(api, 2, eventOf("n1", "case.new"), eventOf("n2", "case.new"));
    const { events: [event] } = await api.get("/api/events");
    const replay = async (body: Json) => {
      const { events, deliveries, unrouted, unknown, interrupted } = await api.post("/api/replay", body);
      assert.equal(interrupted, false);
      return [events, deliveries, unrouted, unknown.length];
    };
    const received = (count: number) => until(`${count} requests`, () => api.sink.requests.length === count);
    assert.deepEqual(await replay({ ids: [event.id, ID] }), [1, 1, 0, 1]);
    await received(3);
    assert.deepEqual(await replay({ since: "1h" }), [2, 2, 0, 0]);
    await received(5);
    assert.deepEqual(await replay({ since: "1h", type: "note.*" }), [0, 0, 0, 0]);
    assert.deepEqual(await replay({ ids: [event.id], to: "refuses" }), [1, 1, 0, 0]);
    await received(6);
    assert.deepEqual(await replay({ since: "1h", type: "case.new", to: "refuses" }), [2, 2, 0, 0]);
    await received(8);
    const paths = api.sink.requests.map(({ path }) => path);
    assert.deepEqual(paths, [...Array(5).fill("/takes"), ...Array(3).fill("/refuses")]);
    const ids = api.sink.requests.map(({ headers }) => headers["relay-delivery-id"]);
    assert.equal(new Set(ids).size, 8, "each has an id of its own");
  });
});

test("API pauses a target, resumes it and sends it a test message", async () => {
  await withApi(async (api) => {
    const hold = async (action: string) => {
      const { target, paused, changed } = await api.post(`/api/targets/{name}/${action} takes`);
      assert.equal(target, "takes");
      return [paused, changed];
    };
    assert.deepEqual(await hold("pause"), [true, true]);
    assert.deepEqual(await hold("pause"), [true, false]);
    const { event, delivery } = await api.post("/api/targets/{name}/test takes", undefined, 202);
    const story = await api.get(`/api/events/{id} ${event}`);
    assert.deepEqual([story.source, story.type], ["relay", "relay.test"]);
    assert.deepEqual(story.deliveries.map(({ id, state }: Json) => [id, state]), [[delivery, "pending"]]);
    assert.equal((await api.get("/api/targets")).targets[0].state, "paused");
    assert.equal(api.sink.requests.length, 0);
    assert.deepEqual(await hold("resume"), [false, true]);
    assert.deepEqual(await hold("resume"), [false, false]);
    const [sent] = await until("the test message", () => api.sink.requests.length > 0 && api.sink.requests);
    assert.equal(sent!.headers["relay-delivery-id"], delivery);
  });
});

test("API shows where an event would go, and as what; it stores nothing", async () => {
  await withApi(async (api) => {
    const preview = await api.post("/api/route", { event: "note.failed", data: { note_id: "n9" } });
    assert.deepEqual([preview.targets, preview.isFallback], [["takes", "refuses", "waits"], false]);
    assert.deepEqual(preview.routes.map(({ verdict }: Json) => verdict), ["matched", "other_event"]);
    assert.deepEqual(preview.messages[0], { target: "takes", message: { body: { note: "n9" } } });
    const exact = ' {"event" : "note.x"} ';
    const response = await fetch(`${api.url}/api/route?source=connectvets`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: exact,
    });
    assert.equal((await response.json()).messages[1].message.body, exact);
    assert.deepEqual((await api.get("/api/events")).events, []);
    assert.equal(api.sink.requests.length, 0);
  });
});

test("API says what it cannot do, which value, and a hint", async () => {
  await withApi(async (api) => {
    const rows: [method: string, path: string, body: unknown, status: number, error: RegExp][] = [
      ["GET", "/events?limit=201", undefined, 400, /limit: expected a whole number from 1 to 200, got "201"/],
      ["GET", "/events?limit=x&taget=y", undefined, 400, /limit: .*; unknown option "taget".*did you mean "target"/],
      ["GET", "/events?cursor=x", undefined, 400, /cursor: expected what a page gave as `next`/],
      ["GET", "/events?state=lost", undefined, 400, /state: expected "accepted", "unrouted", /],
      [
        "GET",
        "/events?since=yesterday",
        undefined,
        400,
        /since: expected how long ago, such as "2h", or a time in ISO 8601, got "yesterday"/,
      ],
      ["GET", "/activity?hours=0", undefined, 400, /hours: expected a whole number from 1 to 2160/],
      ["GET", "/dead?reason=bad", undefined, 400, /reason: expected "connection_refused"/],
      ["GET", `/events/${ID}`, undefined, 404, /^Cannot tell of "01a2.*": no event and no delivery has this id/],
      ["GET", "/events/x", undefined, 404, /^Cannot tell of "x"/],
      ["GET", "/nothing", undefined, 404, /^Not found/],
      ["POST", "/events", {}, 404, /^Not found/],
      ["POST", "/retry", {}, 400, /expected \{ ids \}|ids: is missing/],
      ["POST", "/retry", { ids: [] }, 400, /ids: expected at least 1/],
      ["POST", "/retry", { ids: ["x"] }, 400, /ids\[0\]: expected an id, a UUIDv7, got "x"/],
      ["POST", "/retry", { dead: true, taget: "x" }, 400, /unknown option "taget"/],
      ["POST", "/retry", { dead: false }, 400, /dead|ids/],
      ["POST", "/retry", { ids: [ID], dead: true }, 400, /unknown option/],
      ["POST", "/replay", { type: "note.*" }, 400, /since|ids/],
      ["POST", "/replay", { ids: [ID], to: "tages" }, 404, /unknown target "tages"; .*did you mean "takes"/],
      ["POST", "/route?source=x", { event: "x" }, 404, /unknown source "x"; known sources are "connectvets"/],
      ["POST", "/route", { evnt: "x" }, 400, /event: is missing/],
      ["POST", "/targets/tages/pause", undefined, 404, /^Cannot pause: unknown target "tages"; .*did you mean "takes"/],
      ["POST", "/targets/tages/resume", undefined, 404, /^Cannot resume: unknown target/],
      ["POST", "/targets/tages/test", undefined, 404, /^Cannot test: unknown target/],
    ];
    for (const [method, path, body, status, error] of rows) {
      const response = await fetch(`${api.url}/api${path}`, {
        method,
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const answer = await response.json();
      assert.equal(response.status, status, `${path}: ${JSON.stringify(answer)}`);
      assert.match(answer.error, error);
      assert.ok(Object.keys(answer).every((name) => ["error", "hint"].includes(name)));
    }
    const broken: [type: string, body: string, status: number][] = [
      ["application/json", "{", 400],
      ["text/plain", '{"dead":true}', 415],
      ["application/x-www-form-urlencoded", "dead=true", 415],
    ];
    for (const [type, body, status] of broken) {
      const response = await fetch(`${api.url}/api/retry`, { method: "POST", headers: { "Content-Type": type }, body });
      assert.equal(response.status, status);
      assert.equal(typeof (await response.json()).error, "string");
    }
  });
});

test("API knows the config that was loaded last", async () => {
  await withApi(async (api) => {
    assert.equal((await api.get("/api/targets")).targets.length, 3);
    const config = configFor(api.sink, `novo: http({ url: "${api.sink.url}" })`);
    writeFileSync(join(api.relay.folder, "relay.config.ts"), config);
    process.kill(api.relay.child.pid!, "SIGHUP");
    await api.relay.logged("the reload", ({ message }) => String(message).startsWith("reloaded"));
    assert.equal((await api.get("/api/targets")).targets[3].name, "novo");
  });
});

/** A stream of server-sent events, read as it comes. */
async function openLive(
  url: string,
): Promise<{ status: number; text: () => string; ended: Promise<unknown>; close(): void }> {
  const controller = new AbortController();
  const response = await fetch(`${url}/api/live`, { signal: controller.signal });
  let text = "";
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true });
  };
  return { status: response.status, text: () => text, ended: read().catch(() => {}), close: () => controller.abort() };
}

test("API tells live what comes in and what becomes of it, without secrets", async () => {
  await withApi(async (api) => {
    const live = await openLive(api.url);
    try {
      await until("the stream", () => live.text().includes("event: open"));
      await send(api, 3, eventOf(`live ${SECRET}`));
      const found = await until("the event", () => /^event: event\ndata: (.*)\n\n/m.exec(live.text()));
      const event = JSON.parse(found[1]!);
      assert.equal(event.noteId, "live [secret]");
      await until("the target", () => /^event: target\ndata: {"name":"refuses".*"dead":1/m.exec(live.text()));
      assert.ok(!live.text().includes(SECRET));
    } finally {
      live.close();
      await live.ended;
    }
  });
});

test("API tells that it runs, what it refused, and of a reload that was refused, and the latter live", async () => {
  await withApi(async (api) => {
    const live = await openLive(api.url);
    try {
      await until("the stream", () => live.text().includes("event: open"));
      await api.relay.post("{}", { signature: null });
      await until("the refusal", () => /^event: trouble\ndata: .*"signature_missing","count":1/m.test(live.text()));
      writeFileSync(join(api.relay.folder, "relay.config.ts"), `throw new Error("no ${SECRET}");`);
      process.kill(api.relay.child.pid!, "SIGHUP");
      await until("the reload", () => /^event: trouble\ndata: {"reload":{.*no \[secret\]/m.test(live.text()));
      const { running, pid, version, listeners, reload, refusals } = await api.get("/api/status");
      assert.deepEqual([running, pid, version], [true, api.relay.child.pid, VERSION]);
      assert.deepEqual(listeners, [{ name: "listen", url: api.relay.url }, { name: "admin", url: api.url }]);
      assert.deepEqual(refusals.map(({ source, reason, count }: Json) => [source, reason, count]), [
        ["connectvets", "signature_missing", 1],
      ]);
      assert.deepEqual([reload.mistakes.length, reload.mistakes[0].message], [
        1,
        "the config fails while it loads: no [secret]",
      ]);
      assert.ok(Date.parse(reload.refusedSince) <= Date.now());
    } finally {
      live.close();
      await live.ended;
    }
  });
});

test("API bounds how many streams are open, and counts those no more that were left", async () => {
  await withApi(async ({ url }) => {
    for (let count = 0; count < 25; count++) await fetch(`${url}/api/live`, { method: "HEAD" });
    const open = await Promise.all(Array.from({ length: 20 }, () => openLive(url)));
    try {
      await until("all streams", () => open.every(({ text }) => text().includes("event: open")));
      const refused = await openLive(url);
      assert.equal(refused.status, 503);
      await refused.ended;
      assert.match(refused.text(), /^{"error":"Cannot open another stream: 20 are open"/);
      for (const one of open.splice(0, 5)) one.close();
      const next = await until("room for another", async () => {
        const one = await openLive(url);
        if (one.status === 200) return one;
        await one.ended;
        return undefined;
      });
      open.push(next);
    } finally {
      for (const one of open) one.close();
      await Promise.all(open.map(({ ended }) => ended));
    }
  });
});

test("serve stops without waiting for an open stream", async () => {
  await withApi(async ({ url, relay }) => {
    const live = await openLive(url);
    await until("the stream", () => live.text().includes("event: open"));
    let code: number | null | undefined;
    relay.end().then((one) => code = one);
    assert.equal(
      await until("its end, long before the drain's", () => code !== undefined && { code }).then(({ code }) => code),
      0,
    );
    await live.ended;
  });
});
