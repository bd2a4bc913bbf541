/** What operators see and change in a PostgreSQL store, where several programs work on it at a time. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { systemClock } from "../../lib/clock.ts";
import { formatId } from "../../lib/id.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { EventPage } from "../../lib/store/operator.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { matches } from "../../lib/pattern.ts";
import { makeFolder } from "../helpers/folder.ts";
import { whileHeld } from "../helpers/postgres/holder.ts";
import { until } from "../helpers/wait.ts";
import { type PostgresBench, testInPostgres as testIn } from "./postgres_bench.ts";
import { accept, before, newEvent, refOf, settle, settleAll, statesOf, T0 } from "./samples.ts";

/** How many events a large store has here. */
const MANY = 10_000;

const types = ["note.failed", "note.completed", "note.transcription.failed", "note", "note.50%_\\x"];

/** Types in turn, one event in ten unrouted, one in a thousand dead in target `b`. */
async function fill(sql: PostgresBench["sql"]): Promise<void> {
  await sql(`INSERT INTO relay.events (seq, id, source, type, received_at, secret_index, headers, body)
    SELECT i, (lpad(to_hex(i), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 's',
      (ARRAY['${types.join("','")}'])[1 + i % ${types.length}], ${T0} + i, 0, '{}',
      convert_to('{"data":{"note_id":"n' || i || '","text":"ação"}}', 'UTF8')
    FROM generate_series(1, ${MANY}) i`);
  await sql(`INSERT INTO relay.deliveries (event, number, target, state, reason)
    SELECT i, 1, CASE i % 1000 WHEN 0 THEN 'b' ELSE 'a' END, CASE i % 1000 WHEN 0 THEN 'dead' ELSE 'delivered' END,
      CASE i % 1000 WHEN 0 THEN 'refused' END
    FROM generate_series(1, ${MANY}) i WHERE i % 10 <> 9`);
}

const range = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

testIn("events() and stored() find the same among many, page by page", async ({ store, sql }) => {
  await fill(sql);
  const typeOf = (seq: number) => types[seq % types.length]!;
  const isDead = (seq: number) => seq % 1_000 === 0;
  const filters: [Parameters<Store["events"]>[0], (seq: number) => boolean][] = [
    [{ type: "note.*" }, (seq) => matches("note.*", typeOf(seq))],
    [{ type: "**.failed" }, (seq) => matches("**.failed", typeOf(seq))],
    [{ type: "note.50%_\\x" }, (seq) => typeOf(seq) === "note.50%_\\x"],
    [{ type: "note.5_%*" }, () => false],
    [{ type: "*.50%_\\*" }, (seq) => typeOf(seq) === "note.50%_\\x"],
    [{ text: '"n77' }, (seq) => `${seq}`.startsWith("77")],
    [{ text: "açã", since: T0 + MANY - 40 }, (seq) => seq >= MANY - 40],
    [{ state: "unrouted", type: "note" }, (seq) => seq % 10 === 9 && typeOf(seq) === "note"],
    [{ state: "dead" }, isDead],
    [{ state: "delivered", target: "b" }, () => false],
    [{ target: "b", text: '5000"' }, (seq) => isDead(seq) && `${seq}`.endsWith("5000")],
  ];
  for (const [filter, fits] of filters) {
    const fitting = range(MANY).filter(fits);
    const [ids, sequences]: [string[], number[]] = [[], []];
    for (let before: number | undefined = MANY + 9; before !== undefined;) {
      const page = await store.events(filter, { limit: 5_000, before }) as Awaited<ReturnType<typeof store.events>>;
      ids.push(...page.events.map(({ noteId }) => noteId!));
      before = page.next;
    }
    for (let after: number | undefined = 0; after !== undefined;) {
      const page = await store.stored(filter, { limit: 5_000, after }) as Awaited<ReturnType<typeof store.stored>>;
      sequences.push(...page.events.map(({ seq }) => seq));
      after = page.next;
    }
    assert.deepEqual(ids, fitting.toReversed().map((seq) => `n${seq}`), JSON.stringify(filter));
    assert.deepEqual(sequences, fitting, JSON.stringify(filter));
  }
});

testIn("events() ends where it is when nobody waits for it, and says where to go on", async ({ store, sql }) => {
  await fill(sql);
  const body = "palavra ".repeat(125_000);
  await sql(`UPDATE relay.events SET body = convert_to('${body}' || seq, 'UTF8') WHERE seq > ${MANY - 150}`);
  const gone = new AbortController();
  gone.abort();
  const { events, next } = await store.events({ text: '"n1"' }, { limit: 1, signal: gone.signal });
  assert.deepEqual(events, []);
  assert.ok(next !== undefined && next > 1, `${next}`);
  const rest = async (from: number): Promise<EventPage> => {
    const page = await store.events({ text: '"n1"' }, { limit: 1, before: from });
    return page.events.length === 0 && page.next ? await rest(page.next) : page; // a slow machine gives it in parts
  };
  assert.deepEqual((await rest(next)).events.map(({ noteId }) => noteId), ["n1"]);
  const large = await store.events({}, { limit: 100 });
  assert.ok(large.events.length < 100 && large.next === MANY + 1 - large.events.length, "bodies of a page are bounded");
});

testIn("events() shows the same of a body as a store in a file does", async ({ store }) => {
  const texts = [
    ...['"n"', "42", "-7", "9007199254740993", "1.50", "-0.25", "2.0", "true", "false", "null", '""', '"\\u0041é😀"'],
    ...['{"a": [1, "x  y"]}', "[ ]", '"a\\\\u0000b"', '"\\ud83d\\ude00"'],
  ].map((json) => `{"event":"e","data":{"note_id":${json},"external_id": ${json} }}`);
  texts.push(
    '{"data":{"id":"i"}}',
    '{"data":{"note_id":null,"id":7}}',
    '{"data":[1]}',
    '{"data":"x"}',
    "[]",
    '"x"',
    "7",
  );
  texts.push("", "no JSON", "{", '{"data":{"note_id":"n"}} x', '{"text":"\\ud83d","data":{"note_id":"n"}}');
  texts.push('{"text":"\\u0000","data":{"note_id":"n"}}', "\ufeff{}", `${"[".repeat(9_000)}${"]".repeat(9_000)}`);
  const bodies = texts.map((text) => Buffer.from(text));
  bodies.push(Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from('{"data":{"note_id":"a\0b"}}'));
  const folder = makeFolder();
  const file = openSqlite(`${folder.path}/relay.db`, systemClock);
  try {
    for (const [at, body] of bodies.entries()) {
      for (const one of [store, file]) await accept(one, newEvent(`${at}`, [], { body }));
    }
    const idsIn = async (one: typeof file) =>
      (await one.events({}, { limit: 99 })).events.map(({ noteId, externalId }) => [noteId, externalId]).reverse();
    const [ids, expected] = [await idsIn(store), await idsIn(file)];
    for (const [at, body] of bodies.entries()) assert.deepEqual(ids[at], expected[at], `${body.subarray(0, 80)}`);
    const story = await store.story(newEvent("0").id);
    assert.deepEqual([story!.noteId, story!.externalId], expected[0]);
  } finally {
    await file.close();
    folder.remove();
  }
});

testIn("a text with a NUL is kept with another character in its place, and found by either", async ({ store }) => {
  const text = "a\0b";
  assert.equal(await store.pause(text, T0), true);
  assert.equal(await store.pause("a\ufffdb", T0), false);
  const body = Buffer.from("x\0y\xff", "latin1");
  await accept(store, newEvent("1", [text], { type: text, body }));
  for (const filter of [{ type: text }, { target: text }, { text: "x\0y" }]) {
    const { events: [event] } = await store.events(filter, { limit: 1 });
    assert.deepEqual([event?.type, event?.deliveries[0]?.target], ["a\ufffdb", "a\ufffdb"], JSON.stringify(filter));
  }
  assert.deepEqual(Buffer.from((await store.story(newEvent("1").id))!.body), body);
  await store.sessions.end({ id: text, until: 2 * T0 }, T0);
  assert.equal(await store.sessions.isEnded(text), true);
});

testIn("a verb of a machine whose clock is ahead delays nothing", async ({ store, sql }) => {
  await accept(store, newEvent("dead"), newEvent("replayed", []));
  await settle(store, "dead");
  const year = 365 * 86_400_000;
  assert.equal(await store.retry([await refOf(store, newEvent("dead"))], Date.now() + year), 1);
  await store.redeliver([{ seq: 2, deliveries: [{ target: "b" }] }], Date.now() + year);
  await store.pause("a", Date.now() + year);
  const rows = await sql("SELECT due_at AS at FROM relay.deliveries UNION ALL SELECT paused_at FROM relay.lanes");
  const times = rows.map(({ at }) => Number(at)).filter((at) => at > 0);
  assert.equal(times.length, 3);
  assert.ok(times.every((at) => at <= Date.now()), `${times}`);
});

testIn("expire() leaves what is retried or replayed at the same moment", async ({ store, url }) => {
  const other = openPostgres(url, systemClock);
  const acts = {
    retried: async () => await store.retry([await refOf(store, newEvent("retried"))], T0),
    replayed: async () =>
      await store.redeliver(
        [{ seq: (await refOf(store, newEvent("replayed"))).event, deliveries: [{ target: "b" }] }],
        T0,
      ),
  };
  try {
    for (const [key, act] of Object.entries(acts)) {
      await accept(store, newEvent(key), newEvent(`${key} old`));
      await settleAll(store, "dead");
      // It holds what it changes for as long as it waits for the count of changes, which stands at its end.
      await whileHeld(url, "UPDATE relay.changes SET count = count", async ({ waiting, commit }) => {
        const acting = act();
        await until("the operator to wait", async () => await waiting() === 1);
        const expiring = other.upkeep.expire(0, before(9), 10);
        await until("expire() to wait for the operator", async () => await waiting() === 2);
        await commit();
        await Promise.all([acting, expiring]);
      });
      const states = (await statesOf(store, newEvent(key))).map(([state]) => state);
      assert.deepEqual(states, key === "retried" ? ["pending"] : ["dead", "pending"]);
      assert.equal(await store.story(newEvent(`${key} old`).id), undefined);
    }
  } finally {
    await other.close();
  }
});

testIn("runs of several relays: what was said last, and what all of them refused", async ({ store, url }) => {
  const other = openPostgres(url, systemClock, { member: "two" });
  const run = { pid: 7, version: "1.2.3", since: T0, heardAt: T0, config: "c", listeners: [], targets: [] };
  const refused = (count: number, lastAt: number) => ({
    source: "s",
    reason: "signature_wrong" as const,
    count,
    lastAt,
  });
  try {
    await store.runs.say(run, [refused(1, T0), refused(2, T0 + 1)]);
    await other.runs.say({ ...run, pid: 8, heardAt: T0 + 5 }, [refused(4, T0)]);
    await store.runs.say({ ...run, heardAt: T0 + 3 }, []);
    assert.equal((await other.runs.last())!.pid, 8, "from beside them, of any");
    assert.equal((await store.runs.last())!.pid, 7, "its own, as it is one of them");
    for (const one of [store, other]) {
      assert.deepEqual(await one.runs.refused(T0 - 1, T0 + 9), [refused(7, T0 + 1)]);
    }
  } finally {
    await other.close();
  }
});

testIn("story() of one that waits behind another of its key names no time", async ({ store }) => {
  await accept(store, newEvent("1", ["a:rex"]), newEvent("2", ["a:rex"]));
  const nextOf = async (key: string) => (await statesOf(store, newEvent(key)))[0]![3];
  assert.deepEqual([await nextOf("1"), await nextOf("2")], [0, null]);
  assert.equal((await store.events({}, { limit: 1 })).events[0]!.id, formatId(newEvent("2").id));
});
