import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { makeCertificate, needsOpenssl } from "../certificate.ts";
import { makeFolder } from "../folder.ts";
import { startPostgres } from "../postgres.ts";
import { until } from "../wait.ts";
import { newestPostgres, oldestPostgres } from "./programs.ts";
import { sharedPostgres } from "./shared.ts";

test("startPostgres() gives a server that keeps its data over stop() and start()", async () => {
  const postgres = await startPostgres();
  try {
    const { pid } = postgres;
    const [row] = await postgres.query<{ version: string }>("SELECT current_setting('server_version_num') AS version");
    assert.equal(Math.floor(Number(row!.version) / 10_000), newestPostgres);
    assert.deepEqual(await postgres.query("SELECT 'b' < 'C' AS is_first"), [{ is_first: true }], "sorts as people do");
    await postgres.query("CREATE TABLE kept AS SELECT 1 AS one; CHECKPOINT");

    await postgres.stop("fast");
    await assert.rejects(postgres.query("SELECT"));
    await postgres.start();
    assert.notEqual(postgres.pid, pid);
    assert.deepEqual(await postgres.query("SELECT one FROM kept WHERE one = $1", [1]), [{ one: 1 }]);

    await postgres.stop("immediate");
    await postgres.start();
    assert.deepEqual(await postgres.query("SELECT one FROM kept"), [{ one: 1 }]);
    assert.match(postgres.log(), /automatic recovery/);
  } finally {
    await postgres.close();
  }
});

test("startPostgres() asks for a password if it is told to, and leaves nothing behind", async () => {
  const folder = makeFolder();
  chmodSync(folder.path, 0o711);
  const settings = { application_name: "it's set" };
  try {
    const postgres = await startPostgres({ auth: "scram-sha-256", settings, folder: folder.path });
    try {
      const [row] = await postgres.query<{ name: string; data: string }>(
        "SELECT current_setting('application_name') AS name, current_setting('data_directory') AS data",
      );
      assert.equal(row!.name, settings.application_name);
      assert.equal(dirname(row!.data), folder.path);
      const stranger = new pg.Client({ connectionString: postgres.url({ password: "another" }) });
      await assert.rejects(stranger.connect(), /password authentication failed/);
    } finally {
      await postgres.close();
    }
    assert.deepEqual(readdirSync(folder.path), []);
    assert.throws(() => process.kill(postgres.pid, 0));
  } finally {
    folder.remove();
  }
});

test("startPostgres() speaks TLS by the certificate that it is given", needsOpenssl, async () => {
  const folder = makeFolder();
  const [ca, stranger] = ["ca", "stranger"].map((name) => join(folder.path, `${name}.pem`)) as [string, string];
  makeCertificate(folder.path, "ca", { isAuthority: true });
  makeCertificate(folder.path, "stranger", { isAuthority: true });
  const tls = makeCertificate(folder.path, "server", { issuer: "ca", names: "DNS:localhost" });
  const postgres = await startPostgres({ tls });
  const asks = async (host: string, sslrootcert: string) => {
    const url = postgres.url({ host, params: { sslmode: "verify-full", sslrootcert } });
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      const { rows } = await client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
      return rows[0].ssl;
    } finally {
      await client.end();
    }
  };
  try {
    assert.equal(await asks("localhost", ca), true);
    await assert.rejects(asks("localhost", stranger), /certificate|self.signed/i);
    await assert.rejects(asks("127.0.0.1", ca), /IP|altname|certificate/i);
  } finally {
    await postgres.close();
    folder.remove();
  }
});

test("startPostgres() leaves nothing behind of a test process that is killed", async () => {
  const program = fileURLToPath(new URL("./killed_child.ts", import.meta.url));
  const runtime = process.versions.bun ? [] : ["run", "-A", "--no-check"];
  const child = spawn(process.execPath, [...runtime, program], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = await once(child.stdout, "data");
  const { pid, folder } = JSON.parse(String(chunk));
  assert.ok(existsSync(folder));
  child.kill("SIGKILL");
  await until("the server and its folder to go", () => !existsSync(folder));
  assert.throws(() => process.kill(pid, 0));
});

test("sharedPostgres() gives the same server of a version to all", async () => {
  const [one, other] = await Promise.all([sharedPostgres(), sharedPostgres()]);
  assert.equal(one.port, other.port);
  assert.equal((await sharedPostgres(newestPostgres)).port, one.port);
  assert.notEqual((await sharedPostgres(oldestPostgres)).port, one.port);
  assert.notEqual(one.url({ freshSchema: true }), one.url({ freshSchema: true }));
  assert.match(
    one.url({ schema: "a b", params: { x: "1" } }),
    /^postgres:\/\/postgres@127\.0\.0\.1:\d+\/postgres\?schema=a%20b&x=1$/,
  );
});
