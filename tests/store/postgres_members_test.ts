/** Relays that share a PostgreSQL store: who is there, whose each lane's lock is, and what becomes of it when a session ends. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Meeting, MemberStore, Word } from "../../lib/store/members.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { type DatabaseProxy, startDatabaseProxy } from "../faults/cluster/database_proxy.ts";
import { HandClock } from "../helpers/clock.ts";
import { needsPgBouncer, startPgBouncer } from "../helpers/pgbouncer.ts";
import { startPostgres } from "../helpers/postgres.ts";
import type { Database } from "../helpers/postgres/database.ts";
import { whileHeld } from "../helpers/postgres/holder.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { until } from "../helpers/wait.ts";
import { newEvent } from "./samples.ts";

const LANES = ["a", "b"];

/** Opens stores on one new schema; each is a relay of the name `server`. */
async function withStores(
  count: number,
  work: (members: MemberStore[], postgres: Database, stores: Store[], url: string) => Promise<void>,
): Promise<void> {
  const postgres = await sharedPostgres();
  const url = postgres.url({ freshSchema: true });
  const stores = Array.from({ length: count }, () => openPostgres(url, systemClock, { member: "server" }));
  try {
    for (const store of stores) await store.serve();
    await work(stores.map(({ members }) => members!), postgres, stores, url);
  } finally {
    for (const store of stores) await store.close();
  }
}

async function meet(members: MemberStore, parts: Partial<Word> = {}): Promise<Meeting> {
  return await members.meet({ lanes: LANES, isLeaving: false, take: [], release: [], ...parts });
}

const heldBy = async (members: MemberStore, parts: Partial<Word> = {}) =>
  [...(await meet(members, parts)).held.keys()].sort();

/** Ends the session in which a relay of this name holds its locks. */
async function endSession(postgres: Database, name: string): Promise<void> {
  const { length } = await postgres.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1",
    [`relay ${name} %`],
  );
  assert.ok(length > 0);
}

test("relays of one name take the first names that are free, and each sees the others", async () => {
  await withStores(3, async (all) => {
    for (const one of all) await meet(one);
    const { me, members } = await meet(all[1]!, { isLeaving: true });
    assert.deepEqual(members.map(({ name }) => name).sort(), ["server", "server-2", "server-3"]);
    assert.equal(members.find(({ number }) => number === me)?.name, "server-2");
    const seen = (await meet(all[0]!)).members.find(({ number }) => number === me)!;
    assert.deepEqual([seen.isLeaving, seen.lanes], [true, LANES]);
  });
});

test("a relay whose row another one took for an old one joins with a new one", async () => {
  await withStores(0, async (_, __, ___, url) => {
    const before = openPostgres(url, systemClock, { member: "server" });
    await before.serve();
    await before.close();
    const store = openPostgres(url, systemClock, { member: "server" });
    try {
      await whileHeld(url, "DELETE FROM relay.members", async ({ waiting, commit }) => {
        const served = store.serve();
        await until("the relay to find the old row", async () => await waiting() === 1);
        await commit();
        await served;
      });
      const { me, members } = await meet(store.members!);
      assert.deepEqual(members.map(({ name, number }) => [name, number]), [["server", me]]);
    } finally {
      await store.close();
    }
  });
});

test("a lane's lock is one relay's, until it lets go of it or its session ends", async () => {
  await withStores(2, async ([one, other], postgres) => {
    assert.deepEqual(await heldBy(one!, { take: LANES }), LANES);
    assert.deepEqual(await heldBy(other!, { take: LANES }), []);
    assert.deepEqual(await heldBy(one!, { take: LANES }), LANES, "it is taken once, however often it is asked for");
    assert.deepEqual(await heldBy(one!, { release: ["a"] }), ["b"]);
    assert.deepEqual(await heldBy(other!, { take: LANES }), ["a"]);
    await endSession(postgres, "server");
    await until("the other to have both", async () => (await heldBy(other!, { take: LANES })).length === 2);
  });
});

test("a relay is told that its session was ended, and has its name and free lanes again by the next word", async () => {
  await withStores(1, async ([one], postgres) => {
    let lost = 0;
    one!.onLost = () => void lost++;
    const { me } = await meet(one!, { take: LANES });
    await endSession(postgres, "server");
    await until("it to hear of that", () => lost === 1);
    const again = await meet(one!, { take: LANES });
    assert.deepEqual([again.me, [...again.held.keys()].sort(), lost], [me, LANES, 1]);
  });
});

test("a relay that serves a store whose move has begun takes nothing more, and is no member any more", async () => {
  await withStores(1, async ([one], postgres, [store], url) => {
    const { schema } = parsePostgresUrl(url);
    await postgres.query(`INSERT INTO "${schema}".moves (id, role, move, other, is_done)
      VALUES (1, 'source', 'm', 'another store', false)`);
    const isMoved = (error: unknown) =>
      error instanceof StoreError && error.isHeld && /is being moved, or was/.test(error.message);
    await assert.rejects(store!.write({ accepts: [newEvent("1")], lanes: [] }), isMoved);
    await endSession(postgres, "server");
    await until("it to be refused", () => meet(one!).then(() => false, isMoved));
  });
});

test("a lane's row says whose it is, and a relay that was started anew after a crash tells of that", async () => {
  await withStores(1, async ([one], _postgres, [store], url) => {
    await meet(one!, { take: ["a"] });
    const { epoch } = (await store!.lanes.own(["a"], one!.token)).get("a")!;
    assert.deepEqual((await meet(one!)).held.get("a"), { epoch, isGivenUp: false });
    await store!.close();

    const after = openPostgres(url, systemClock, { member: "server" });
    try {
      await after.serve();
      assert.deepEqual((await after.lanes.own(["a"], "t")).get("a")!.wasUnclean, false, "nobody said so");
      await after.lanes.own(["a"], one!.token);
      await after.members!.tellCrash();
      const taken = (await after.lanes.own(["a"], after.members!.token)).get("a")!;
      assert.deepEqual([taken.wasGivenUp, taken.wasUnclean], [false, true]);
      await after.lanes.giveUp([taken.epoch]);
      assert.equal((await after.lanes.own(["a"], "t")).get("a")!.wasUnclean, false);
    } finally {
      await after.close();
    }
  });
});

test("all() tells who is there and what each owns; takeovers() which lanes came to another owner", async () => {
  await withStores(2, async ([one, other], _postgres, [store, second]) => {
    await meet(one!, { take: LANES });
    await store!.lanes.own(LANES, one!.token);
    await meet(one!, { release: ["b"] });
    await meet(other!, { take: ["b"] });
    await second!.lanes.own(["b"], other!.token);
    const beside = await one!.all();
    assert.deepEqual(beside.map(({ name, lanes, isThere }) => [name, lanes, isThere]), [
      ["server", ["a"], true],
      ["server-2", ["b"], true],
    ]);
    const takeovers = await one!.takeovers(0);
    assert.deepEqual(takeovers.map(({ lane, member, wasGivenUp }) => [lane, member, wasGivenUp]), [
      ["b", "server-2", false],
    ]);
    assert.deepEqual(await one!.takeovers(systemClock.now() + 60_000), []);
    assert.equal(await store!.runs.isServed(), true);
  });
});

test(
  "a pooler on the way of the session is refused, and named beside the server it is none",
  needsPgBouncer,
  async () => {
    const postgres = await startPostgres();
    const bouncer = await startPgBouncer(postgres);
    try {
      const beside = openPostgres(bouncer.url({ freshSchema: true }), systemClock);
      try {
        await beside.serve();
        assert.deepEqual(await heldBy(beside.members!, { take: LANES }), LANES);
      } finally {
        await beside.close();
      }
      const alone = new URL(bouncer.url({ freshSchema: true }));
      alone.searchParams.delete("direct");
      const store = openPostgres(alone.href, systemClock);
      try {
        await assert.rejects(store.serve(), (error) => error instanceof StoreError && /direct/.test(error.hint ?? ""));
      } finally {
        await store.close();
      }
    } finally {
      await bouncer.close();
      await postgres.close();
    }
  },
);

/** Serves a store whose calls go by way of a proxy, as by a pooler, and its session does not, and another one beside it. */
async function withProxy(
  clock: Clock,
  work: (store: Store, other: Store, proxy: DatabaseProxy) => Promise<void>,
): Promise<void> {
  const postgres = await sharedPostgres();
  const proxy = await startDatabaseProxy({ port: postgres.port, commits: /^$/ });
  const url = new URL(postgres.url({ freshSchema: true }));
  const other = openPostgres(url.href, systemClock, { member: "other" });
  url.searchParams.set("direct", `127.0.0.1:${postgres.port}`);
  url.port = String(proxy.port);
  const store = openPostgres(url.href, clock, { member: "server" });
  try {
    await store.serve();
    await other.serve();
    await work(store, other, proxy);
  } finally {
    await proxy.close();
    await store.close();
    await other.close();
  }
}

function cutOff(proxy: DatabaseProxy): void {
  proxy.refuse(true);
  proxy.cut();
}

test("a relay whose pooler is down gives up its locks, though its session is well, and joins again later", async () => {
  const clock = new HandClock(systemClock.now());
  await withProxy(clock, async (store, other, proxy) => {
    const members = store.members!;
    let lost = 0;
    members.onLost = () => void lost++;
    assert.deepEqual(await heldBy(members, { take: LANES }), LANES);
    cutOff(proxy);
    await assert.rejects(store.bytes(), StoreError);
    clock.pass(14_000);
    assert.deepEqual(await heldBy(members), LANES, "it may be back in a moment");
    await assert.rejects(store.bytes(), StoreError);
    clock.pass(2_000);
    await assert.rejects(meet(members), StoreError);
    assert.equal(lost, 1);
    await until("the other to have both", async () => (await heldBy(other.members!, { take: LANES })).length === 2);
    await assert.rejects(meet(members), StoreError, "it would have the locks, and could do nothing with them");
    proxy.refuse(false);
    assert.deepEqual(await heldBy(members, { take: LANES }), []);
  });
});

test("a relay that may not log in any more gives up its locks, though its session lives on", async () => {
  const postgres = await sharedPostgres();
  await postgres.query("CREATE ROLE refused LOGIN SUPERUSER");
  const clock = new HandClock(systemClock.now());
  const url = postgres.url({ freshSchema: true, user: "refused" });
  const store = openPostgres(url, clock, { member: "server" });
  try {
    await store.serve();
    assert.deepEqual(await heldBy(store.members!, { take: LANES }), LANES);
    await postgres.query("ALTER ROLE refused NOLOGIN");
    await postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'refused' AND application_name = 'relay'",
    );
    await until("a call to fail", () => store.bytes().then(() => false, () => true));
    await assert.rejects(store.bytes(), /log in/);
    clock.pass(16_000);
    await assert.rejects(meet(store.members!), /log in/);
    const other = openPostgres(postgres.url({ schema: parsePostgresUrl(url).schema }), systemClock);
    try {
      await other.serve();
      await until("the other to have both", async () => (await heldBy(other.members!, { take: LANES })).length === 2);
    } finally {
      await other.close();
    }
  } finally {
    await store.close();
  }
});

test("a lane is not taken over by a call that the network held back until another relay has taken it over", async () => {
  await withProxy(systemClock, async (store, other, proxy) => {
    const own = async ({ members, lanes }: Store) => {
      const { number } = (await meet(members!, { take: ["a"] })).held.get("a")!.epoch;
      return () => lanes.own(["a"], members!.token, { seen: new Map([["a", number]]) });
    };
    const take = await own(store);
    proxy.freeze("to");
    const late = take();
    late.catch(() => {});
    await endSession(await sharedPostgres(), "server");
    await until("the other to have it", async () => (await heldBy(other.members!, { take: ["a"] })).length === 1);
    const { epoch } = (await (await own(other))()).get("a")!;
    proxy.thaw();
    await assert.rejects(late, /a was taken over meanwhile/);
    assert.deepEqual((await meet(other.members!)).held.get("a")!.epoch, epoch);
  });
});

test("a relay of which one call did not come through, and that makes no other, stays a member", async () => {
  const clock = new HandClock(systemClock.now());
  await withProxy(clock, async (store, _, proxy) => {
    assert.deepEqual(await heldBy(store.members!, { take: LANES }), LANES);
    cutOff(proxy);
    await assert.rejects(store.bytes(), StoreError);
    proxy.refuse(false);
    assert.deepEqual(await heldBy(store.members!), LANES);
    const postgres = await sharedPostgres();
    await until("it to ask of its own accord", async () => {
      const sql =
        "SELECT FROM pg_stat_activity WHERE client_port = ANY ($1) AND state = 'idle' AND query LIKE '%now_ms%'";
      return (await postgres.query(sql, [proxy.ports()])).length > 0;
    });
    for (let seconds = 0; seconds < 20; seconds++) {
      clock.pass(1_000);
      assert.deepEqual(await heldBy(store.members!), LANES);
    }
  });
});

test("a relay's session tells that an operator changed something, and is the first to tell after it was lost", async () => {
  await withProxy(systemClock, async ({ lanes, members }, other, proxy) => {
    let told = await lanes.changes();
    const isTold = async () => told !== (told = await lanes.changes());
    await other.pause("a", 1);
    await until("it to be told", isTold);
    members!.onLost = () => void (isLost = true);
    let isLost = false;
    cutOff(proxy);
    assert.equal(await lanes.changes(), told, "it is not asked for");
    await endSession(await sharedPostgres(), "server");
    await until("it to lose its session", () => isLost);
    await assert.rejects(lanes.changes(), StoreError, "nobody would tell");
    await other.resume("a");
    proxy.refuse(false);
    await meet(members!);
    assert.equal(await isTold(), true);
  });
});
