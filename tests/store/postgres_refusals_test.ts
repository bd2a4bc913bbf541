/** What a PostgreSQL store says of a database that it cannot use: never the password, always what to do. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { schemaSql } from "../../lib/store/postgres/schema.ts";
import { makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { needsPgBouncer, startPgBouncer } from "../helpers/pgbouncer.ts";
import { startPostgres } from "../helpers/postgres.ts";
import type { Database } from "../helpers/postgres/database.ts";
import { startImpostor, startStranger } from "../helpers/postgres/impostor.ts";
import { makeRole, PASSWORD } from "../helpers/postgres/role.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";

/** Opens and serves the store, which has to refuse. @returns What a person is told. */
async function refusalOf(url: string): Promise<string> {
  const store = openPostgres(url, systemClock);
  try {
    await store.serve();
  } catch (error) {
    assert.ok(error instanceof StoreError, inspect(error));
    const whole = inspect(error, { depth: 9 });
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) assert.ok(!whole.includes(secret), whole);
    return `${error.message}; ${error.hint}`;
  } finally {
    await store.close();
  }
  throw new assert.AssertionError({ message: `${url} was served` });
}

test("serve() names who was refused, and where, without the password", async () => {
  const postgres = await startPostgres({ auth: "scram-sha-256" });
  try {
    await makeRole(postgres, "relay");
    const login = { user: "relay", password: PASSWORD };
    const place = (user: string, database = "postgres") =>
      `^Cannot open the store in postgres://${user}:\\*\\*\\*@127\\.0\\.0\\.1:${postgres.port}/${database}: `;
    const refused = async (options: Parameters<Database["url"]>[0], where: string, why: RegExp) => {
      const told = await refusalOf(postgres.url(options));
      assert.match(told, new RegExp(where));
      assert.match(told, why);
    };
    const isRefused = /password authentication failed for user "\w+"; check the user and the password in `store`/;
    await refused({ user: "relay", password: `${PASSWORD}!` }, place("relay"), isRefused);
    await refused({ user: "nobody", password: PASSWORD }, place("nobody"), isRefused);
    await refused(
      { ...login, database: "none" },
      place("relay", "none"),
      /database "none" does not exist; create the database/,
    );
    await postgres.query("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
    await refused(login, place("relay"), /permission denied for database "postgres"/);
  } finally {
    await postgres.close();
  }
});

test("serve() says that the user may not make the schema, or not use it", async () => {
  const postgres = await sharedPostgres();
  await makeRole(postgres, "guest");
  const url = postgres.url({ user: "guest", password: PASSWORD, freshSchema: true });
  assert.match(await refusalOf(url), /the user guest is not allowed to; .*`relay migrate --sql`/);
  await postgres.query(schemaSql(new URL(url).searchParams.get("schema")!));
  assert.match(await refusalOf(url), /permission denied for schema relay_\w+; .*`relay migrate --sql`/);
});

test("serve() refuses a database that cannot hold every text", async () => {
  const postgres = await sharedPostgres();
  await postgres.query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0");
  assert.match(
    await refusalOf(postgres.url({ database: "latin" })),
    /LATIN1.*; create a database with the encoding UTF8/,
  );
});

test(
  "serve() believes no certificate but the server's own, for the host that the URL names",
  needsOpenssl,
  async () => {
    const folder = makeFolder();
    makeCertificate(folder.path, "ca", { isAuthority: true });
    makeCertificate(folder.path, "stranger", { isAuthority: true });
    const tls = makeCertificate(folder.path, "server", { issuer: "ca", names: "DNS:localhost" });
    const [encrypted, plain] = await Promise.all([startPostgres({ tls }), sharedPostgres()]);
    const url = (postgres: Database, host: string, ca: string) =>
      postgres.url({ host, params: { sslmode: "verify-full", sslrootcert: join(folder.path, ca) } });
    try {
      const isWrong = /certificate.*; name the authority that issued the certificate as `sslrootcert`/i;
      assert.match(await refusalOf(url(encrypted, "localhost", "stranger.pem")), isWrong);
      assert.match(
        await refusalOf(url(encrypted, "127.0.0.1", "ca.pem")),
        /; name .*the host name that the certificate is for/,
      );
      assert.match(
        await refusalOf(url(plain, "localhost", "ca.pem")),
        /does not support SSL.*; turn on TLS on the server/,
      );
      assert.match(
        await refusalOf(url(encrypted, "localhost", "none.pem")),
        /Cannot read the certificate authorities .*none\.pem/,
      );
    } finally {
      await encrypted.close();
      folder.remove();
    }
  },
);

test("serve() refuses by name what speaks PostgreSQL's protocol", async () => {
  const postgres = await sharedPostgres();
  const [row] = await postgres.query<{ version: string; number: string }>(
    "SELECT version(), current_setting('server_version_num') AS number",
  );
  const others: [lies: Record<string, string>, name: RegExp][] = [
    [{ [row!.version]: "CockroachDB CCL v25.1.2 (x86_64-pc-linux-gnu, built 2025/03/10)" }, /is CockroachDB CCL v25/],
    [{ [row!.version]: "PostgreSQL 15.2-YB-2.25.1.0-b381 on x86_64-pc-linux-gnu" }, /is PostgreSQL 15\.2-YB/],
    [{ [row!.version]: "QuestDB 8.2" }, /is QuestDB/],
    [{ [row!.version]: "PostgreSQL 13.20 on x86_64", [row!.number]: "130020" }, /is PostgreSQL 13\.20/],
  ];
  for (const [lies, name] of others) {
    const impostor = await startImpostor(postgres, lies);
    try {
      const told = await refusalOf(impostor.url({ freshSchema: true }));
      assert.match(told, name);
      assert.match(told, /; .*PostgreSQL 14 or later/);
    } finally {
      await impostor.close();
    }
  }
  const stranger = await startStranger();
  try {
    assert.match(await refusalOf(stranger.url()), /is not PostgreSQL; name a server with PostgreSQL 14 or later/);
  } finally {
    await stranger.close();
  }
});

test("serve() asks for the server itself beside a pooler", needsPgBouncer, async () => {
  const postgres = await sharedPostgres();
  const bouncer = await startPgBouncer(postgres);
  try {
    const url = new URL(bouncer.url({ freshSchema: true }));
    url.searchParams.delete("direct");
    assert.match(await refusalOf(url.href), /; name the server itself as `direct`/);
  } finally {
    await bouncer.close();
  }
});
