/** What every store does: accepting events. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deliveryId, formatId } from "../../lib/id.ts";
import { Told } from "../../lib/locale/told.ts";
import { freshDue, freshEvent } from "../../lib/store/fresh.ts";
import type { Due } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import { accept, backlogOf, dueIn, eventOf, iso, newEvent, record, recordOf, T0, turnIn } from "./samples.ts";

export function testAccept(it: It): void {
  it("write() tells new from duplicate, in one batch and across batches", async (store) => {
    assert.deepEqual(await accept(store, newEvent("1"), newEvent("2"), newEvent("1")), [
      "stored",
      "stored",
      "duplicate",
    ]);
    assert.deepEqual(await accept(store, newEvent("2"), newEvent("3")), ["duplicate", "stored"]);
    assert.deepEqual(await store.write({ accepts: [], lanes: [] }), {
      accepted: [],
      lanes: [],
      released: [],
      outdated: [],
      lost: [],
    });
    assert.equal(await backlogOf(store), 3);
  });

  it("write() gives each new event's sequence, and what is due of it is what freshDue() says", async (store) => {
    const events = [newEvent("1", ["b", "a"]), newEvent("1"), newEvent("2", ["a"])];
    const { accepted } = await store.write({ accepts: events, lanes: [] });
    assert.deepEqual(accepted.map((seq) => seq === undefined), [false, true, false]);
    const { due } = await dueIn(store, "a");
    const fresh = [
      freshDue(freshEvent(events[0]!), accepted[0]!, "a", 1),
      freshDue(freshEvent(events[2]!), accepted[2]!, "a", 0),
    ];
    const plain = ({ event: { body, ...event }, head: _, ...rest }: Due) => [rest, event, Buffer.from(body)];
    assert.deepEqual(due.map(plain), fresh.map(plain));
  });

  it("write() changes nothing of an event that is there", async (store) => {
    await accept(store, newEvent("1", ["a"]));
    await accept(store, newEvent("1", ["b", "c"], { type: "other", problems: [Told.of("late")] }));
    const view = await eventOf(store, newEvent("1").id);
    assert.deepEqual([view!.type, view!.problems, view!.deliveries.map(({ target }) => target)], ["note.failed", [], [
      "a",
    ]]);
  });

  it("write() writes all of a batch or nothing", async (store) => {
    const broken = newEvent("2", ["a"], { type: null as unknown as string });
    await assert.rejects(accept(store, newEvent("1"), broken, newEvent("3")));
    assert.equal(await backlogOf(store), 0);
    assert.equal(await eventOf(store, newEvent("1").id), undefined);
    assert.deepEqual((await dueIn(store)).due, []);
    assert.deepEqual(await accept(store, newEvent("1")), ["stored"], "what failed can be sent again");
  });

  it("write() accepts and records in one batch, or does neither", async (store) => {
    await accept(store, newEvent("1"));
    const due = await turnIn(store);
    const { epoch } = (await store.lanes.own(["a"], "token")).get("a")!;
    const lanes = [{ epoch, hold: {}, records: [recordOf(due, "delivered")] }];
    const broken = newEvent("2", ["a"], { type: null as unknown as string });
    await assert.rejects(store.write({ accepts: [broken], lanes }));
    assert.deepEqual([await eventOf(store, broken.id), await backlogOf(store)], [undefined, 1]);
    assert.deepEqual(await store.write({ accepts: [newEvent("2"), newEvent("1")], lanes }), {
      accepted: [2, undefined],
      lanes: [[{ fate: "recorded", head: undefined }]],
      released: [],
      outdated: [],
      lost: [],
    });
    assert.equal(await backlogOf(store), 1);
  });

  it("write() leaves no event whose delivery cannot be written", async (store) => {
    const broken = newEvent("1", ["a"], { deliveries: [{ target: "a" }, { target: null as unknown as string }] });
    await assert.rejects(accept(store, broken));
    assert.equal(await eventOf(store, broken.id), undefined);
    assert.equal(await backlogOf(store), 0);
  });

  it("due() gives the event as it was received", async (store) => {
    const body = new Uint8Array(Array.from({ length: 512 }, (_, index) => index % 256));
    const headers = { "Content-Type": "application/json; charset=utf-8", "X-ConnectVets-Signature": "sha256=ab" };
    const event = newEvent("1", ["a", "b"], { type: "nota.é.🐕", body, headers, secretIndex: 1 });
    await accept(store, event);
    const { id, lane, attempts, failures, event: { body: kept, ...rest } } = await turnIn(store, "b");
    assert.deepEqual([id, lane, attempts, failures], [formatId(deliveryId(event.id, 2)), "b", 0, 0]);
    assert.deepEqual(rest, { id: formatId(event.id), source: "clinic", type: "nota.é.🐕", receivedAt: T0, headers });
    assert.deepEqual(Buffer.from(kept), Buffer.from(body));
  });

  it("due() keeps an empty body's neighbours apart, and large bodies whole", async (store) => {
    const large = new Uint8Array(2 ** 20).fill(0x20);
    await accept(store, newEvent("1", ["a"], { body: new Uint8Array() }), newEvent("2", ["b"], { body: large }));
    assert.equal((await turnIn(store, "a")).event.body.byteLength, 0);
    assert.deepEqual(Buffer.from((await turnIn(store, "b")).event.body), Buffer.from(large));
  });

  it("keeps everything over a restart", async (store, reopen) => {
    const event = newEvent("1", ["a:rex", "b"], { problems: [Told.of("routes[0].when threw: é")] });
    await accept(store, event, newEvent("2", []));
    await record(store, [recordOf(await turnIn(store), "pending", { dueAt: T0 + 5_000 })]);
    const before = await store.story(event.id);
    const after = await reopen();
    assert.deepEqual(await after.story(event.id), before);
    assert.deepEqual(await accept(after, event, newEvent("2", [])), ["duplicate", "duplicate"]);
    assert.equal(await backlogOf(after), 2);
  });

  it("story() shows an event and its deliveries", async (store) => {
    const problems = [
      Told.of(({ outcomes }) => outcomes.callback.promise),
      Told.of('second "quoted"'),
      Told.of('{"en":"third"}'),
    ];
    const event = newEvent("1", ["a", "b"], { problems });
    await accept(store, event);
    const pending = { state: "pending", attempts: 0, reason: null, nextAttemptAt: iso(T0) };
    const nothing = { chain: null, receipt: null, receipts: [] };
    assert.deepEqual(await eventOf(store, event.id), {
      id: formatId(event.id),
      source: "clinic",
      type: "note.failed",
      state: "accepted",
      receivedAt: iso(T0),
      noteId: null,
      externalId: null,
      problems,
      deliveries: [
        { id: formatId(deliveryId(event.id, 1)), target: "a", ...pending, ...nothing },
        { id: formatId(deliveryId(event.id, 2)), target: "b", ...pending, ...nothing },
      ],
    });
  });

  it("story() shows an event without a target as unrouted, and none for an id that is not there", async (store) => {
    const event = newEvent("1", []);
    await accept(store, event);
    const view = await eventOf(store, event.id);
    assert.deepEqual([view!.state, view!.deliveries], ["unrouted", []]);
    assert.equal(await eventOf(store, newEvent("2").id), undefined);
    assert.equal(await eventOf(store, deliveryId(event.id, 1)), undefined);
  });

  it("probe() writes and changes nothing", async (store, reopen) => {
    const event = newEvent("1", ["a", "b"]);
    await accept(store, event);
    const was = [await store.story(event.id), await store.targets()];
    await store.probe(0);
    assert.deepEqual([await store.story(event.id), await store.targets()], was);
    const after = await reopen();
    assert.deepEqual([await after.story(event.id), await after.targets()], was);
    await assert.rejects(after.probe(2 ** 60), /full/, "there is no room for so much");
  });

  it("bytes() grows with what is kept", async (store) => {
    const empty = await store.bytes();
    assert.ok(empty > 0);
    await accept(store, newEvent("1", ["a"], { body: new Uint8Array(2 ** 20) }));
    assert.ok(await store.bytes() >= empty + 2 ** 20);
  });
}
