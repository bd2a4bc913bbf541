import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { needsPgBouncer, startPgBouncer } from "../pgbouncer.ts";
import { startPostgres } from "../postgres.ts";

const PASSWORD = `p@ss/wörd:%#? "'&+\\`;

test("startPgBouncer() gives each transaction a session of the server", needsPgBouncer, async () => {
  const postgres = await startPostgres({ auth: "scram-sha-256" });
  try {
    await postgres.query(`CREATE ROLE relay LOGIN PASSWORD ${pg.escapeLiteral(PASSWORD)}`);
    const settings = { default_pool_size: "1" };
    const bouncer = await startPgBouncer(postgres, { users: { relay: PASSWORD }, settings });
    try {
      const url = bouncer.url({ user: "relay", password: PASSWORD });
      assert.equal(new URL(url).searchParams.get("direct"), `127.0.0.1:${postgres.port}`);
      const limits = { connectionTimeoutMillis: 5_000, query_timeout: 5_000 };
      const clients = [1, 2].map(() => new pg.Client({ connectionString: url, ...limits }));
      try {
        const pids = [];
        for (const client of clients) {
          await client.connect();
          const { rows: [row] } = await client.query("SELECT pg_backend_pid() AS pid, current_user::text AS user");
          assert.equal(row.user, "relay");
          pids.push(row.pid);
        }
        assert.equal(pids[0], pids[1]);
      } finally {
        await Promise.all(clients.map((client) => client.end()));
      }
      const stranger = new pg.Client(bouncer.url({ user: "relay", password: "another" }));
      await assert.rejects(stranger.connect(), /SASL authentication failed/);
      const pools = await bouncer.show("SHOW POOLS");
      assert.equal(pools.find(({ user }) => user === "relay")?.pool_mode, "transaction");

      await bouncer.stop();
      await assert.rejects(bouncer.show("SHOW VERSION"));
      await bouncer.start();
    } finally {
      await bouncer.close();
    }
  } finally {
    await postgres.close();
  }
});
