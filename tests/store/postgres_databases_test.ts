/** The PostgreSQL store on the databases that people have: every version, poolers, TLS, passwords, several hosts. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import pg from "pg";
import { systemClock } from "../../lib/clock.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { schemaSql } from "../../lib/store/postgres/schema.ts";
import { makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { needsPgBouncer, startPgBouncer } from "../helpers/pgbouncer.ts";
import { freePort } from "../helpers/port.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { postgresVersions } from "../helpers/postgres/programs.ts";
import { makeRole, PASSWORD } from "../helpers/postgres/role.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { accept, keysOf, newEvent, record, recordOf, settle, T0, takeOver, turnsIn } from "./samples.ts";

/** Later than all that these tests do. */
const NOW = T0 + 86_400_000;

/** A store whose time is a test's. */
const open = (url: string) => openPostgres(url, systemClock, { time: new HandClock(NOW) });

/** What a relay does with a store, and does again after a restart. */
async function useStore(url: string): Promise<void> {
  const [one, other] = [newEvent("1"), newEvent("2", ["a:rex", "b"])];
  const first = open(url);
  try {
    await first.serve();
    await takeOver(first);
    assert.deepEqual(await accept(first, one, other, one), ["stored", "stored", "duplicate"]);
    const [due, later] = await turnsIn(first);
    assert.deepEqual(keysOf([due!, later!]), ["1", "2"]);
    await record(first, [recordOf(due!, "delivered"), recordOf(later!, "pending")]);
  } finally {
    await first.close();
  }
  const second = open(url);
  try {
    await second.serve();
    await takeOver(second);
    assert.deepEqual(await accept(second, other), ["duplicate"]);
    assert.equal((await settle(second, "dead")).attempts, 1);
    assert.deepEqual(await turnsIn(second), []);
    assert.deepEqual(keysOf(await turnsIn(second, "b")), ["2"]);
  } finally {
    await second.close();
  }
}

for (const version of postgresVersions) {
  test(`a store works on PostgreSQL ${version}`, async () => {
    const postgres = await startPostgres({ version });
    try {
      await useStore(postgres.url());
      await postgres.stop("immediate");
      await postgres.start();
      const store = open(postgres.url());
      try {
        assert.deepEqual(await accept(store, newEvent("1"), newEvent("3")), ["duplicate", "stored"]);
      } finally {
        await store.close();
      }
    } finally {
      await postgres.close();
    }
  });
}

test("a store works by way of PgBouncer, in sessions that change with each transaction", needsPgBouncer, async () => {
  const postgres = await startPostgres({ auth: "scram-sha-256" });
  try {
    await makeRole(postgres, "relay");
    await postgres.query("GRANT CREATE ON DATABASE postgres TO relay");
    const settings = { default_pool_size: "2", server_idle_timeout: "1" };
    const bouncer = await startPgBouncer(postgres, { users: { relay: PASSWORD }, settings });
    try {
      const login = { user: "relay", password: PASSWORD };
      await useStore(bouncer.url({ ...login, freshSchema: true }));
      const url = bouncer.url({ ...login, freshSchema: true });
      const stores = Array.from({ length: 4 }, () => open(url));
      try {
        const accepted = stores.flatMap((store, index) =>
          Array.from({ length: 25 }, (_, number) => accept(store, newEvent(`${index} ${number}`), newEvent("same")))
        );
        const fates = (await Promise.all(accepted)).flat();
        assert.equal(fates.filter((fate) => fate === "stored").length, 101);
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    } finally {
      await bouncer.close();
    }
  } finally {
    await postgres.close();
  }
});

test(
  "a store proves who the server is by verify-full, and who it is by SCRAM with any password",
  needsOpenssl,
  async () => {
    const folder = makeFolder();
    makeCertificate(folder.path, "ca", { isAuthority: true });
    const tls = makeCertificate(folder.path, "server", { issuer: "ca", names: "DNS:localhost" });
    const postgres = await startPostgres({ auth: "scram-sha-256", tls });
    try {
      const user = "clínica relay@são";
      await makeRole(postgres, pg.escapeIdentifier(user));
      await postgres.query(`CREATE DATABASE "dados/um?" OWNER ${pg.escapeIdentifier(user)}`);
      const params = { sslmode: "verify-full", sslrootcert: join(folder.path, "ca.pem") };
      const login = { user, password: PASSWORD, host: "localhost", database: "dados/um?", schema: 'Re"lay x' };
      const url = postgres.url({ ...login, params });
      await useStore(url);
      const store = open(url);
      try {
        await store.serve();
        const sessions = await postgres.query(
          "SELECT DISTINCT ssl, usename::text AS user FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname LIKE 'dados%'",
        );
        assert.deepEqual(sessions, [{ ssl: true, user }]);
      } finally {
        await store.close();
      }
    } finally {
      await postgres.close();
      folder.remove();
    }
  },
);

test("a store goes to the first of several hosts that takes writes", async () => {
  const [standby, primary] = await Promise.all([
    startPostgres({ settings: { default_transaction_read_only: "on" } }),
    sharedPostgres(),
  ]);
  try {
    const host = `127.0.0.1:${await freePort()},127.0.0.1:${standby.port},127.0.0.1`;
    const url = primary.url({ host, freshSchema: true });
    await useStore(url);
    const store = open(url);
    try {
      assert.deepEqual(await accept(store, newEvent("3")), ["stored"], "at the first call, without another try");
    } finally {
      await store.close();
    }
  } finally {
    await standby.close();
  }
});

test("three stores that open an empty database at once make one schema", async () => {
  const postgres = await sharedPostgres();
  for (let round = 0; round < 5; round++) {
    const url = postgres.url({ freshSchema: true });
    const stores = [open(url), open(url), open(url)];
    try {
      await Promise.all(stores.map((store) => store.serve()));
      const fates = await Promise.all(stores.map((store) => accept(store, newEvent("1"))));
      assert.deepEqual(fates.flat().sort(), ["duplicate", "duplicate", "stored"]);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  }
});

test("a store works for a role that may change rows alone, once the schema's owner has made it", async () => {
  const postgres = await sharedPostgres();
  await makeRole(postgres, "writer");
  const url = postgres.url({ user: "writer", password: PASSWORD, freshSchema: true });
  const schema = new URL(url).searchParams.get("schema")!;
  await postgres.query("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"); // as careful people have it
  try {
    await postgres.query(schemaSql(schema, "writer"));
  } finally {
    await postgres.query("ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC");
  }
  await useStore(url);
  const owned = await postgres.query("SELECT relname FROM pg_class WHERE relowner = 'writer'::regrole");
  assert.deepEqual(owned, []);
});
