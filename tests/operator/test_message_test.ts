/** Test messages: stored as an event of relay's own, and left alone by whatever routes events. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { hmac, http } from "../../lib/config/mod.ts";
import type { LoadedConfig } from "../../lib/config/load.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { eventId, parseId } from "../../lib/id.ts";
import { replayIds, replaySince } from "../../lib/operator/replay.ts";
import { tellStory } from "../../lib/operator/story.ts";
import { sendTest } from "../../lib/operator/test_message.ts";
import { redactor } from "../../lib/secret.ts";
import type { Store } from "../../lib/store/mod.ts";
import { requestTo } from "../../lib/sources/source.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "../helpers/folder.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");

/** A config that sends everything to `crm`. */
function loadedConfig(): LoadedConfig {
  const { config } = readConfig({
    sources: { clinic: hmac({ path: "/w", secret: "0123456789abcdef", header: "X" }) },
    targets: { crm: http({ url: "http://127.0.0.1:1" }) },
    routes: [{ on: "**", to: "crm" }],
  }, "/");
  return {
    file: "/relay.config.ts",
    folder: "/",
    config: config!,
    warnings: [],
    files: [],
    redact: redactor([]),
    dotenv: new Map(),
  };
}

const JSON_TYPE = { "Content-Type": "application/json" };

const SOURCE = loadedConfig().config.sources[0]!;

const CRM = { target: "crm", lanes: ["crm"] };

/** A test with a store of its own. */
function testWithStore(name: string, work: (store: Store) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    const store = openSqlite(join(folder.path, "relay.db"), systemClock);
    try {
      await work(store);
    } finally {
      await store.close();
      folder.remove();
    }
  });
}

testWithStore("sendTest() stores one event for one target, and another one each time", async (store) => {
  const ids = [(await sendTest(store, CRM, SOURCE, NOW)).event, (await sendTest(store, CRM, SOURCE, NOW)).event];
  assert.notEqual(ids[0], ids[1]);
  const story = await store.story(parseId(ids[0]!)!);
  assert.deepEqual([story!.source, story!.type, story!.state], ["relay", "relay.test", "accepted"]);
  assert.deepEqual(story!.deliveries.map(({ target, state }) => [target, state]), [["crm", "pending"]]);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(story!.body)), {
    event: "relay.test",
    timestamp: "2026-01-02T03:04:05.000Z",
    data: { target: "crm" },
  });
  assert.deepEqual(story!.headers, {
    ...JSON_TYPE,
    ...SOURCE.sign(requestTo(SOURCE, { headers: JSON_TYPE, body: story!.body }, NOW)),
  });
  const { headers } = (await tellStory(store, loadedConfig(), parseId(ids[0]!)!, 0))!;
  assert.equal(headers.x, "[masked]");
});

testWithStore("replaySince() passes over events of relay's own, and counts none", async (store) => {
  await sendTest(store, CRM, SOURCE, NOW);
  const body = new TextEncoder().encode('{"event":"note.failed"}');
  const common = { source: "clinic", type: "note.failed", receivedAt: NOW, headers: {}, secretIndex: 0, problems: [] };
  await store.write({ accepts: [{ ...common, id: eventId("s", "1", NOW), body, deliveries: [] }], lanes: [] });
  const result = await replaySince(store, loadedConfig(), {}, { now: NOW });
  assert.deepEqual([result.events, result.deliveries, result.unrouted], [1, 1, 0]);
});

testWithStore("replayIds() gives an event of relay's own no route, and tellStory() neither", async (store) => {
  const id = parseId((await sendTest(store, CRM, SOURCE, NOW)).event)!;
  const result = await replayIds(store, loadedConfig(), [id], { now: NOW });
  assert.deepEqual([result.events, result.unrouted], [0, 1]);
  const story = await tellStory(store, loadedConfig(), id, 0);
  assert.deepEqual(story!.routing, { targets: [], chains: [], isFallback: false, routes: [], problems: [] });
});
