/** A source that signs and names things as none of a config's does: the interface carries it all the way. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { test } from "node:test";
import { startApp } from "../../lib/app.ts";
import { connectvets, http } from "../../lib/config/mod.ts";
import type { LoadedConfig } from "../../lib/config/load.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { parseId } from "../../lib/id.ts";
import { Told } from "../../lib/locale/told.ts";
import { recordFixture, testFixture } from "../../lib/operator/fixture.ts";
import { incoming, preview } from "../../lib/operator/preview.ts";
import { replayIds } from "../../lib/operator/replay.ts";
import { tellStory } from "../../lib/operator/story.ts";
import { redactor } from "../../lib/secret.ts";
import { requestTo } from "../../lib/sources/source.ts";
import { readable } from "../../lib/sources/view.ts";
import { systemClock } from "../../lib/clock.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "../helpers/folder.ts";
import { startSink } from "../helpers/sink.ts";
import { formSource, signedRequest, TOLERANCE_MS } from "../helpers/source.ts";
import { testSource } from "./contract.ts";

const SECRET = "whs_0123456789abcdef";

testSource("form", (secrets) => formSource("form", "/form", secrets));

test("verify() can look at method, URL and time", () => {
  const source = formSource("form", "/form", [SECRET]);
  const now = Date.UTC(2026, 0, 2);
  const request = signedRequest(source, source.draft("sms.received"), now);
  const isGood = (change: object) => source.verify({ ...request, ...change }).ok;
  assert.ok(isGood({}) && isGood({ now: now + TOLERANCE_MS }));
  for (const change of [{ method: "PUT" }, { url: `${request.url}?a=1` }, { now: now + TOLERANCE_MS + 1_000 }]) {
    assert.equal(isGood(change), false, JSON.stringify(change));
  }
});

/** When an event happened, as its sender says, in Unix milliseconds. */
const AT = Date.UTC(2025, 11, 31);

/** A config whose second source is one that no file can name; without it if `sources` says so. */
function loadedFor(url: string, sources = [formSource("sms", "/sms", [SECRET])]): LoadedConfig {
  const { config, issues } = readConfig({
    listen: { host: "127.0.0.1", port: 0 },
    admin: false,
    sources: { clinic: connectvets({ path: "/webhook", secret: SECRET }) },
    targets: {
      crm: http({ url: `${url}/crm`, body: (e) => [e.event, e.data, Object.keys(e)] }),
      raw: http({ url: `${url}/raw` }),
    },
    routes: [
      { on: "sms.*", to: ["crm", "raw"], when: (e: { data: { Text?: string } }) => e.data.Text === "olá" },
      { on: "note.*", to: "raw" },
    ],
  }, "/");
  assert.deepEqual(issues, []);
  const bounded = sources.map((source) => ({ ...source, maxBodyBytes: 10_000 }));
  return {
    file: "/relay.config.ts",
    folder: "/",
    config: { ...config!, sources: [...config!.sources, ...bounded] },
    warnings: [],
    files: [],
    redact: redactor([]),
    dotenv: new Map(),
  };
}

test("an event of such a source is received, accepted, routed, delivered, told of and replayed", async () => {
  const folder = makeFolder();
  const sink = await startSink();
  const loaded = loadedFor(sink.url);
  const sms = loaded.config.sources[1]!;
  const open = () => openSqlite(join(folder.path, "relay.db"), systemClock);
  const app = await startApp(loaded, async () => open());
  try {
    const url = `http://127.0.0.1:${app.addresses[0]!.port}/sms`;
    const draft = sms.draft("", Buffer.from("Event=sms.received&Text=ol%C3%A1&Id=SM1"));
    const post = async (query = "", body = draft.body, signed = draft.body) => {
      const request = requestTo(sms, { ...draft, body: signed }, Date.now(), `${url}?a=1`);
      const headers = { ...draft.headers, ...sms.sign(request) };
      const response = await fetch(`${url}?a=1${query}`, { method: "POST", headers, body: Buffer.from(body) });
      return `${response.status} ${await response.text()}`;
    };
    assert.equal(await post("&b=2"), "401 Signature verification failed");
    assert.equal(await post("", Buffer.from("Event=forged")), "401 Signature verification failed");
    assert.equal(await post(), "200 OK");
    assert.equal(await post(), "200 Already processed");
    const sameId = Buffer.from("Event=sms.received&Text=other&Id=SM1");
    assert.equal(await post("", sameId, sameId), "200 Already processed");
    const timed = Buffer.from(`Event=call.ended&At=${AT}`);
    assert.equal(await post("", timed, timed), "200 OK");

    const handshake = await fetch(`${url}?challenge=4711&token=token`);
    assert.deepEqual([handshake.status, await handshake.json()], [200, { challenge: "4711" }]);

    const requests = await sink.received(2);
    const [crm, raw] = ["/crm", "/raw"].map((path) => requests.find((one) => one.path === path)!);
    const fields = { Event: "sms.received", Text: "olá", Id: "SM1" };
    assert.deepEqual(JSON.parse(crm!.body.toString()), ["sms.received", fields, ["event", "data", "payload"]]);
    assert.equal(raw!.headers["relay-event-type"], "sms.received");
    assert.equal(raw!.body.toString(), Buffer.from(draft.body).toString());
    assert.match(String(raw!.headers["x-form-time"]), /^\d+$/);
    assert.equal(raw!.headers["content-type"], "application/x-www-form-urlencoded");
    await storyIs(String(raw!.headers["relay-event-id"]));
  } finally {
    await app.stop();
    await sink.close();
    folder.remove();
  }

  /** What is stored is read as its source shows it, and by today's form once no config has the source. */
  async function storyIs(id: string): Promise<void> {
    const store = open();
    const event = parseId(id)!;
    const story = (await tellStory(store, loaded, event, Date.now()))!;
    assert.deepEqual(story.routing.targets, ["crm", "raw"]);
    assert.deepEqual(story.secret, { number: 1, of: 1 });
    assert.deepEqual([story.headers["x-form-time"], story.headers["x-form-signature"]], ["[masked]", "[masked]"]);
    const options = { now: Date.now() };
    assert.equal((await replayIds(store, loaded, [event], options)).deliveries, 2);
    const { events } = await store.events({ type: "call.ended" }, { limit: 1 });
    assert.equal(parseInt(events[0]!.id.replaceAll("-", "").slice(0, 12), 16), AT);
    const without = loadedFor(sink.url, []);
    const orphan = (await tellStory(store, without, event, Date.now()))!;
    assert.deepEqual(orphan.routing.routes.map(({ verdict }) => verdict), ["when_false", "other_event"]);
    await store.close();
  }
});

test("such an event can be previewed, recorded as a fixture, and tested by it", () => {
  const { config } = loadedFor("http://127.0.0.1:1");
  const event = incoming(config.sources[1]!, "sms.received", 0);
  assert.ok(!("problem" in event));
  const { targets, messages } = preview(event, config);
  assert.deepEqual(targets, ["crm", "raw"]);
  const fields = { Event: "sms.received", Text: "olá" };
  const body = ["sms.received", fields, ["event", "data", "payload"]];
  assert.deepEqual(messages[0], { target: "crm", message: { body } });

  const { fixture, problems } = recordFixture(readable(event, config.sources), config, redactor([]));
  assert.deepEqual(problems, []);
  assert.deepEqual(fixture.event, { event: "sms.received", data: fields, payload: fields });
  assert.deepEqual(testFixture(fixture, config, redactor([])).differences, []);
  assert.deepEqual(incoming(config.sources[1]!, "", 0, Buffer.from("a=1")), {
    problem: Told.of("The form has no Event"),
  });
});
