/** What a running relay has under way: its API and pages say so, and what is read from the store alone does not. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventView, TargetView } from "../../lib/store/views.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { hang, startSink } from "../helpers/sink.ts";

const eventOf = (note: string) =>
  JSON.stringify({ event: "note.completed", timestamp: "2026-03-01T12:00:00Z", data: { note_id: note } });

test("serve shows what is under way as in flight, retries none of it, and a stop leaves it as it was", async () => {
  const sink = await startSink(hang);
  const targets = `crm: http({ url: "${sink.url}", concurrency: 1 })`;
  const config = configOf({ targets, routes: `{ on: "**", to: "crm" }`, admin: "{ port: 0 }", more: `drain: "50ms"` });
  const relay = await startRelay(config);
  const cli = async (...verb: string[]) =>
    JSON.parse((await runRelay([...verb, "--json"], { cwd: relay.folder })).stdout);
  try {
    const admin = await relay.adminUrl();
    const get = async (path: string) => await (await fetch(admin + path)).text();
    const inState = async (state: string): Promise<EventView[]> =>
      JSON.parse(await get(`/api/events?state=${state}`)).events;
    await relay.post(eventOf("first"));
    await sink.received(1);
    await relay.post(eventOf("second"));

    const [[first, ...more], waiting] = [await inState("in_flight"), await inState("pending")];
    assert.deepEqual([first!.noteId, more, waiting.map(({ noteId }) => noteId)], ["first", [], ["second"]]);
    const [{ id, state, nextAttemptAt }] = first!.deliveries as [EventView["deliveries"][number]];
    assert.deepEqual([state, nextAttemptAt], ["in_flight", null]);
    assert.equal(JSON.parse(await get(`/api/events/${first!.id}`)).deliveries[0].state, "in_flight");
    const [crm] = JSON.parse(await get("/api/targets")).targets as [TargetView];
    assert.deepEqual([crm.pending, crm.inFlight], [1, 1]);
    assert.match(await get(`/events/${first!.id}`), /Attempt 1 is being made now\./);
    assert.match((await get("/targets")).replace(/<[^>]*>/g, " "), /Waiting\s+1\b.*?1 sending/s);

    const answer = await fetch(`${admin}/api/retry`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ids: [id] }),
    });
    const { retried, untouched } = await answer.json();
    assert.deepEqual([retried, untouched], [0, [{ id, target: "crm", state: "in_flight" }]]);

    const listed = async () => {
      const [{ deliveries: [one] }] = await cli("events", "--text", "first");
      return { ...one, nextAttemptAt: undefined };
    };
    const pending = {
      id,
      target: "crm",
      state: "pending",
      attempts: 0,
      reason: null,
      nextAttemptAt: undefined,
      receipt: null,
      chain: null,
    };
    assert.deepEqual(await listed(), pending);
    const { targets: [told] } = await cli("status");
    assert.deepEqual([told.pending, told.inFlight], [2, 0]);

    assert.equal(await relay.end(), 0, relay.output());
    assert.deepEqual(await listed(), pending);
    const { deliveries: [one] } = await cli("events", first!.id);
    assert.deepEqual(one.history, []);
  } finally {
    await relay.close();
    await sink.close();
  }
});
