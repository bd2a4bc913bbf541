/** Accepting: what is written, that it is on disk before anybody hears of it, and that a backlog has an end. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import type { NewEvent } from "../../lib/event.ts";
import { eventId, formatId } from "../../lib/id.ts";
import { type AcceptConfig, createAccept, type Received } from "../../lib/pipeline/accept.ts";
import type { RouteRule } from "../../lib/pipeline/route.ts";
import { redactor } from "../../lib/secret.ts";
import { slackTarget } from "../../lib/targets/slack.ts";
import type { ReceiptEndpoint } from "../../lib/targets/receipt_endpoint.ts";
import type { Policy, Target } from "../../lib/targets/target.ts";
import { HandClock, settle } from "../helpers/clock.ts";
import { makeTarget, samplePayload } from "../helpers/target.ts";

const T0 = 1_800_000_000_000;

const target = (name: string, policy: Partial<Policy> = {}, more: Partial<Target> = {}): Target => {
  const made = makeTarget(slackTarget, { url: "http://127.0.0.1:1/" });
  return { ...made, name, policy: { ...made.policy, ...policy }, ...more };
};

const rule = (to: string[], more: Partial<RouteRule> = {}): RouteRule => ({ on: ["**"], to, message: {}, ...more });

const configOf = (targets: Target[], more: Partial<AcceptConfig> = {}): AcceptConfig => ({
  targets: new Map(targets.map((one) => [one.name, one])),
  routes: [rule(targets.map(({ name }) => name))],
  redact: redactor(["s3cret-value"]),
  ...more,
});

const received = (parts: Partial<Received> = {}): Received => ({
  source: { name: "clinic" },
  event: { type: "note.failed", payload: samplePayload },
  body: Buffer.from(JSON.stringify(samplePayload)),
  headers: { "Content-Type": "application/json" },
  secretIndex: 1,
  receivedAt: T0,
  ...parts,
});

/** Accepts into a store that answers when it is told to. */
function bench() {
  const written: NewEvent[] = [];
  const offered: [event: NewEvent, seq: number][] = [];
  let answer = Promise.withResolvers<number | undefined>();
  const backlog = { waiting: 0 };
  const accept = createAccept(
    {
      accept(event) {
        written.push(event);
        answer = Promise.withResolvers();
        return answer.promise;
      },
    },
    {
      count: () => backlog.waiting,
      add: (deliveries) => backlog.waiting += deliveries,
    },
    (event, seq) => offered.push([event, seq]),
    new HandClock(T0),
  );
  return {
    accept,
    backlog,
    written,
    offered,
    store: (seq: number | undefined) => answer.resolve(seq),
    fail: (error: Error) => answer.reject(error),
  };
}

/** Accepts one event, and gives what is written of it. */
async function writtenOf(config: AcceptConfig, parts: Partial<Received> = {}): Promise<NewEvent> {
  const { accept, written, store } = bench();
  const accepted = accept(received(parts), config);
  store(1);
  await accepted;
  return written[0]!;
}

test("accept() resolves, and offers what is to be delivered, once the event is stored and no sooner", async () => {
  const { accept, written, offered, backlog, store } = bench();
  let result: string | undefined;
  const accepted = accept(received(), configOf([target("crm"), target("plantao")])).then((one) => result = one);
  await settle();
  assert.deepEqual([written.length, result, offered, backlog.waiting], [1, undefined, [], 0]);
  store(7);
  await accepted;
  assert.deepEqual([result, offered, backlog.waiting], ["stored", [[written[0]!, 7]], 2]);
  const { id, deliveries, ...event } = written[0]!;
  assert.deepEqual(event, {
    source: "clinic",
    type: "note.failed",
    receivedAt: T0,
    body: received().body,
    headers: { "Content-Type": "application/json" },
    secretIndex: 1,
    problems: [],
  });
  assert.equal(formatId(id), formatId(eventId("clinic\0body", received().body, 0)));
  assert.deepEqual(deliveries.map(({ target }) => target), ["crm", "plantao"]);
});

test("accept() offers nothing of an event that was there, or goes nowhere, or was not stored", async () => {
  const { accept, offered, backlog, store, fail } = bench();
  const config = configOf([target("crm")]);
  const duplicate = accept(received(), config);
  store(undefined);
  assert.equal(await duplicate, "duplicate");
  const unrouted = accept(received(), { ...config, routes: [] });
  store(1);
  assert.equal(await unrouted, "stored");
  const failed = accept(received(), config);
  fail(new StoreError("Cannot store the event: database or disk is full"));
  await assert.rejects(failed, StoreError);
  assert.deepEqual([offered, backlog.waiting], [[], 0]);
});

test("accept() refuses, before it writes, what comes while maxBacklog deliveries wait", async () => {
  const { accept, backlog, written, store } = bench();
  const config = configOf([target("crm")], { maxBacklog: 2 });
  for (let count = 1; count <= 2; count++) {
    const accepted = accept(received(), config);
    store(1);
    await accepted;
  }
  await assert.rejects(accept(received(), config), (error: StoreError) => {
    assert.ok(error instanceof StoreError);
    assert.equal(error.message, "Cannot store the event: 2 deliveries wait, and maxBacklog is 2");
    assert.match(error.hint!, /`relay status`/);
    return true;
  });
  assert.equal(written.length, 2);
  backlog.waiting = 1;
  const accepted = accept(received(), config);
  store(1);
  assert.equal(await accepted, "stored", "once there is room");
  backlog.waiting = 1e6;
  const unbounded = accept(received(), configOf([target("crm")]));
  store(1);
  assert.equal(await unbounded, "stored", "and without maxBacklog");
});

test("accept() has deliveries await what they need first, beside those that need nothing", async () => {
  const lane = "relay:notes";
  const { accept, written, store } = bench();
  const optional = { enrich: { lane, isOptional: true } } as Partial<Target>;
  const config = configOf([target("crm"), target("plantao"), target("equipe", {}, optional)], {
    routes: [
      rule(["crm", "plantao", "equipe"]),
      rule(["plantao"], { on: ["note.*"], enrich: { lane, isOptional: false } }),
      rule(["crm"], { on: ["other.*"], enrich: { lane, isOptional: false } }),
    ],
  });
  const accepted = accept(received(), config);
  store(1);
  await accepted;
  assert.deepEqual(written[0]!.deliveries.map(({ target, awaits }) => [target, awaits]), [
    ["crm", undefined],
    ["plantao", { lane }],
    ["equipe", { lane, patienceMs: 60_000 }],
  ]);
});

test("accept() gives each delivery its order key; one that gives none is a problem, and goes in no order", async () => {
  const event = await writtenOf(configOf([
    target("crm", { order: (event) => (event as typeof samplePayload).data.note_id }),
    target("plantao", {
      order: () => {
        throw new Error("no key s3cret-value");
      },
    }),
    target("equipe", { order: () => "" }),
  ]));
  assert.deepEqual(event.deliveries.map(({ orderKey }) => orderKey), ["nota-42", undefined, undefined]);
  assert.deepEqual(event.problems.map(String), [
    "targets.plantao.order threw: no key [secret]",
    "targets.equipe.order returns no text",
  ]);
});

test("accept() gives a short order key in place of a long one, the same for the same one alone", async () => {
  const keys = ["x".repeat(500), "x".repeat(501), "x".repeat(1_000_000), "x".repeat(1_000_000)];
  const event = await writtenOf(configOf(keys.map((key, index) => target(`crm${index}`, { order: () => key }))));
  const given = event.deliveries.map(({ orderKey }) => orderKey!);
  assert.equal(given[0], keys[0]);
  for (const key of given.slice(1)) assert.match(key, /^sha256:[0-9a-f]{64}$/);
  assert.notEqual(given[1], given[2]);
  assert.equal(given[2], given[3]);
});

test("accept() gives a type without the NUL that not every store takes", async () => {
  const event = { type: "note.\0failed", payload: samplePayload };
  assert.equal((await writtenOf(configOf([target("crm")]), { event })).type, "note.\ufffdfailed");
});

test("accept() takes for the same event what has the key of dedupe, else the sender's id, else the same bytes", async () => {
  const idOf = async (parts: Partial<Received>) => formatId((await writtenOf(configOf([]), parts)).id);
  const dedupe = { name: "clinic", dedupe: () => "key" };
  const withId = { type: "note.failed", payload: samplePayload, id: "evt_1" };
  const other = { body: Buffer.from("{}"), receivedAt: T0 + 1 };
  assert.equal(await idOf({ source: dedupe }), await idOf({ source: dedupe, event: withId, ...other }));
  assert.equal(await idOf({ event: withId }), await idOf({ event: { ...withId, time: T0 }, ...other }));
  assert.equal(await idOf({}), await idOf({ receivedAt: T0 + 1 }));
  const all = [{}, { event: withId }, { source: dedupe }, other, { source: { name: "other" } }];
  assert.equal(new Set(await Promise.all(all.map(idOf))).size, all.length);
});

test("accept() makes the steps of a chain, each with all recipients of its target", async () => {
  const recipients = ["whats/+5531999998888", "whats/+5531999997777"].map((name) => target(name));
  const whats = target("whats", {}, { recipients, receipts: { path: "/whatsapp" } as ReceiptEndpoint });
  const targets = [target("arquivo"), whats, target("tg", { order: () => "rex" })];
  const chains = [{ targets: ["whats", "tg"], withinMs: 600_000, until: "read" as const }];
  const event = await writtenOf(configOf(targets, { routes: [rule(["arquivo", "whats", "tg"], { chains })] }));
  const chain = { chain: 0, withinMs: 600_000, until: "read" };
  assert.deepEqual(event.deliveries, [
    { target: "arquivo", orderKey: undefined },
    ...recipients.map(({ name }) => ({
      target: name,
      orderKey: undefined,
      chain: { ...chain, step: 1, hasProof: true },
    })),
    { target: "tg", orderKey: "rex", chain: { ...chain, step: 2, hasProof: false } },
  ]);
});

test("accept() has the first step of a chain await what it needs, and leaves that to the others", async () => {
  const enrich = { lane: "relay::notes", isOptional: false } as Target["enrich"];
  const targets = ["a", "b"].map((name) => target(name, {}, { enrich, sendsBytes: undefined }));
  const chains = [{ targets: ["a", "b"], withinMs: 5, until: "delivered" as const }];
  const { deliveries } = await writtenOf(configOf(targets, { routes: [rule(["a", "b"], { chains })] }));
  assert.deepEqual(deliveries.map(({ awaits }) => awaits), [{ lane: "relay::notes" }, undefined]);
});
