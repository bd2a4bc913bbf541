/** `relay migrate` on the executable: to PostgreSQL and back, and what it says where it cannot. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { openSqliteTransfer } from "../../lib/store/sqlite/transfer.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { configOf, runRelay } from "../helpers/relay.ts";
import { fill } from "../store/filled.ts";

let server: Postgres;
before(async () => {
  server = await startPostgres({ auth: "scram-sha-256" });
});
after(() => server.close());

/** A folder with a config whose store is a file with something in it. */
async function withFolder(
  work: (relay: (...args: string[]) => ReturnType<typeof runRelay>, useStore: (store: string) => void) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  try {
    const useStore = (store: string) => {
      const config = configOf({
        targets: 'crm: http({ url: "http://127.0.0.1:9/" })',
        routes: '{ on: "**", to: "crm" }',
        more: `store: env("STORE")`,
      });
      writeFileSync(join(folder.path, "relay.config.ts"), config);
      writeFileSync(join(folder.path, ".env"), `STORE='${store}'\n`, { mode: 0o600 });
    };
    useStore("sqlite:relay.db");
    const side = openSqliteTransfer(join(folder.path, "relay.db"), systemClock);
    await fill(side, 12);
    await side.close();
    await work((...args) => runRelay(args, { cwd: folder.path }), useStore);
  } finally {
    folder.remove();
  }
}

test("relay migrate moves a file to PostgreSQL and back, and shows no password", async () => {
  await withFolder(async (relay, useStore) => {
    const url = server.url({ freshSchema: true });
    const shown = url.replace(server.password!, "***");
    const preview = await relay("migrate", "--to", url, "--dry-run");
    assert.deepEqual([preview.code, preview.stderr], [0, ""]);
    assert.match(preview.stdout, /^Would move .*relay\.db to postgres:.*: 12 events, 12 deliveries, and 12 attempts\n/);

    const there = await relay("migrate", "--to", url, "--json");
    assert.equal(there.code, 0, there.stderr);
    const told = JSON.parse(there.stdout);
    assert.deepEqual([told.to, told.counts.events, told.wasDone], [shown, 12, false]);

    for (const args of [["serve"], ["pause", "crm"], ["retry", "--dead", "--yes"]]) {
      const { code, stderr } = await relay(...args);
      assert.equal(code, 1);
      assert.match(stderr, /it was moved to postgres:.*\n {2}hint: name the new store as `store` in the config\n/);
    }
    const status = JSON.parse((await relay("status", "--json")).stdout);
    assert.deepEqual(status.moved, { to: shown, isDone: true });

    useStore(url);
    const check = JSON.parse((await relay("check", "--json")).stdout);
    assert.deepEqual([check.store, check.database.schema], [shown, 1]);
    const back = await relay("migrate", "--to", "sqlite:back.db");
    assert.equal(back.code, 0, back.stderr);
    assert.match(back.stdout, /^Moved postgres:.* to .*back\.db: 12 events, 12 deliveries, and 12 attempts\n/);
    assert.ok(back.stdout.includes(`SHA-256 ${told.digest}\n`));
    for (const { stdout, stderr } of [preview, there, back]) {
      assert.ok(!`${stdout}${stderr}`.includes(server.password!));
    }
  });
});

test("relay migrate --sql prints what an administrator runs, after which a role with no more than DML moves a store", async () => {
  await withFolder(async (relay) => {
    await server.query("CREATE ROLE poor LOGIN PASSWORD 'a password'");
    await server.query("CREATE DATABASE poor");
    await server.query("REVOKE CREATE ON DATABASE poor FROM PUBLIC");
    const url = server.url({ user: "poor", password: "a password", database: "poor" });
    const denied = await relay("migrate", "--to", url);
    assert.equal(denied.code, 1);
    assert.match(denied.stderr, /the user poor is not allowed to\n {2}hint: .*`relay migrate --sql`/);
    const { code, stdout } = await relay("migrate", "--sql", "--to", url);
    assert.equal(code, 0);
    await server.query(stdout, undefined, "poor");
    const moved = await relay("migrate", "--to", url);
    assert.deepEqual([moved.code, moved.stderr], [0, ""]);
  });
});

test("a verb makes no store in a database", async () => {
  await withFolder(async (relay, useStore) => {
    useStore(server.url({ freshSchema: true }));
    for (let times = 0; times < 2; times++) {
      const { code, stderr } = await relay("events");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Cannot read the store postgres:.*: it does not exist yet\n {2}hint: start `relay serve`, which creates it\n/,
      );
    }
  });
});

test("relay migrate says what is wrong with its options, and with a store that is not there", async () => {
  await withFolder(async (relay) => {
    const wrong: [args: string[], code: number, words: RegExp][] = [
      [[], 2, /neither --from nor --to is given/],
      [["--from", "mysql://x"], 2, /^Cannot read --from: expected "sqlite:" and a path/],
      [["--from", "postgres://u:hunter2/x@db/x"], 2, /^Cannot read --from: expected "postgres:/],
      [["--to", "sqlite:other.db"], 2, /both are files/],
      [["--to", "sqlite:relay.db"], 2, /are the same store/],
      [["--sql"], 2, /only a store in PostgreSQL has a schema/],
      [["--from", "sqlite:none.db", "--to", server.url({ freshSchema: true })], 1, /none\.db: there is none yet/],
      [["--from", server.url({ freshSchema: true })], 1, /it does not exist yet/],
    ];
    for (const [args, code, words] of wrong) {
      const run = await relay("migrate", ...args);
      assert.match(run.stderr, words);
      assert.equal(run.code, code);
      assert.doesNotMatch(run.stderr, /hunter2/);
    }
    assert.match(
      (await relay("migrate", "--cancel", "--from", "sqlite:relay.db")).stdout,
      /^No move of .*relay\.db is in progress/,
    );
  });
});

for (const verb of ["backup", "restore"]) {
  test(`relay ${verb} of a store in PostgreSQL says what does that`, async () => {
    await withFolder(async (relay, useStore) => {
      useStore("postgres://relay:hunter2@db.example/events");
      const { code, stderr } = await relay(verb, "copy.dump");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /hint: [^]*(pg_dump|pg_restore) .*'postgres:\/\/relay@db\.example:5432\/events\?sslmode=require'/,
      );
    });
  });
}
