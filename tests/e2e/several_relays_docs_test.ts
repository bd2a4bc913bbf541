/** `docs/several-relays.md`: its commands run as they stand, and its Compose file fits the relay. */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { parse } from "yaml";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { commandsOf, readPage } from "../helpers/docs.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { executable, runRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = readPage("docs/several-relays.md");
const blocksOf = (language: string) => page.blocks.filter((one) => one.language === language).map(({ code }) => code);
const commands = commandsOf(page);

/** The database that the document names. */
const documented = parsePostgresUrl(/DATABASE_URL='(.*)'/.exec(page.text)![1]!);

/** Version of the server: psql and pg_dump of Debian take no newer one. */
const VERSION = 15;

function whyNotHere(): string | false {
  for (const program of ["psql", "pg_dump", "pg_restore"]) {
    try {
      execFileSync(program, ["--version"]);
    } catch {
      return `needs ${program}, of the package postgresql-client`;
    }
  }
  return false;
}

test("the commands on several relays work in their order, from an empty server to a restored store and a moved one", {
  skip: whyNotHere(),
}, async () => {
  const [folder, database] = [makeFolder(), await startPostgres({ version: VERSION, auth: "scram-sha-256" })];
  const login = { user: documented.user, password: documented.password, database: documented.database };
  const [url, moved] = [database.url(login), database.url({ ...login, schema: "moved" })];
  const [port, adminPort] = [await freePort(), await freePort()];
  const config = blocksOf("ts")[0]!.replace('host: "0.0.0.0", ', `host: "0.0.0.0", port: ${adminPort}, `)
    .replace("store: ", `listen: { port: ${port} },\n  store: `);
  writeFileSync(join(folder.path, "relay.config.ts"), config);
  const env: Record<string, string> = {
    PATH: `${dirname(executable)}:${process.env.PATH}`,
    PGPASSWORD: documented.password!,
    ADMIN_TOKEN: "0123456789abcdef",
    WEBHOOK_SECRET: "whs_0123456789abcdef",
    DATABASE_URL: url,
  };
  const shell = (command: string) => {
    const child = spawn("sh", ["-c", `exec ${command}`], { cwd: folder.path, env });
    const said = { text: "" };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said.text += chunk);
    return { child, said, ended: new Promise<number | null>((resolve) => child.on("close", resolve)) };
  };
  let serving: ReturnType<typeof shell> | undefined;
  const stop = async () => {
    serving?.child.kill("SIGTERM");
    await serving?.ended;
    serving = undefined;
  };
  const run = async (command: string) => {
    if (command === "relay serve") {
      serving = shell(command);
      await until("the relay to listen", () => serving!.said.text.includes("listening on"));
      return "";
    }
    const { said, ended } = shell(command);
    assert.equal(await ended, 0, `${command}: ${said.text}`);
    return said.text;
  };
  /** What PostgreSQL's programs are given, in place of the document's. */
  const local = (command: string) => {
    const text = command.replace(/'postgres:\/\/relay@[^']+'/, `'${url.replace(/:[^:@]+@/, "@")}'`);
    assert.notEqual(text, command);
    return text;
  };
  try {
    const statements = blocksOf("sql").map((code) => code.trim().split("\n"));
    for (const statement of statements[0]!) await database.query(statement);

    const [check, serve, status, dump, rename, restore, ...move] = commands;
    assert.match(await run(check!), /Store\n {2}postgres:.*PostgreSQL 15/);
    await run(serve!);
    assert.match(await run(status!), /^ {2}Relays +1 running$/m);
    for (const statement of statements.slice(1).flat()) {
      await database.query(statement, undefined, documented.database);
    }
    assert.match(await run(`relay send note.failed --url http://127.0.0.1:${port}/webhook`), /^200 OK\nEvent /);

    // What the verb prints is what stands in the document.
    const elsewhere = { cwd: folder.path, env: { ...env, DATABASE_URL: documentedUrl() } };
    for (const [verb, lines] of [["backup", [dump!]], ["restore", [rename!, restore!]]] as const) {
      const { code, stderr } = await runRelay([verb, "relay.dump"], elsewhere);
      assert.equal(code, 1);
      for (const line of lines) assert.ok(stderr.includes(line), `${line}\n${stderr}`);
    }
    await run(local(dump!));
    await stop();
    await run(local(rename!));
    await run(local(restore!));
    const [event] = JSON.parse(await run("relay events --json"));
    assert.equal(event.type, "note.failed");
    await run(serve!);
    assert.match(await run(status!), /^ {2}Relays +1 running$/m);
    await stop();

    // A store in a file, which the next commands move.
    const file = config.replace('env("DATABASE_URL")', '"sqlite:relay.db"');
    writeFileSync(join(folder.path, "relay.config.ts"), file);
    await run(serve!);
    await run(`relay send note.failed --url http://127.0.0.1:${port}/webhook`);
    await stop();
    env.DATABASE_URL = moved;
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    const [dryRun, now, then] = move;
    assert.match(await run(dryRun!), /^Would move .*1 event, /);
    assert.match(await run(now!), /^Moved /);
    assert.match(await run(then!), /No relay is running/);
    assert.equal(JSON.parse(await run("relay events --json")).length, 1);
  } finally {
    await stop();
    await database.close();
    folder.remove();
  }
});

function documentedUrl(): string {
  return /DATABASE_URL='(.*)'/.exec(page.text)![1]!;
}

test("the Compose file gives each relay what the config reads, and lets nobody outside reach more than the balancer", () => {
  const { services, volumes } = parse(blocksOf("yaml")[0]!, { merge: true });
  const own = parse(read("compose.yaml")).services.relay;
  const relays = [services["relay-1"], services["relay-2"]];
  const config = blocksOf("ts")[0]!;
  for (const relay of relays) {
    for (const name of ["build", "image", "restart", "env_file", "read_only", "cap_drop", "security_opt", "init"]) {
      assert.deepEqual(relay[name], own[name], name);
    }
    assert.deepEqual([relay.healthcheck, relay.stop_grace_period], [own.healthcheck, own.stop_grace_period]);
    assert.ok(own.volumes.includes(relay.volumes[0]), "its config lies where the image looks for it");
    const inFile = [...blocksOf("env")[0]!.matchAll(/^(\w+)=/gm)].map(([, name]) => name!);
    for (const [, name] of config.matchAll(/env\("(\w+)"\)/g)) {
      assert.ok(name! in relay.environment || inFile.includes(name!), name);
    }
    assert.equal(relay.ports, undefined, "only the load balancer is reached from outside");
    const store = parsePostgresUrl(relay.environment.DATABASE_URL.replace("${DB_PASSWORD:?}", "geheim"));
    const { POSTGRES_USER: user, POSTGRES_DB: name, POSTGRES_PASSWORD: password } = services.db.environment;
    assert.deepEqual([store.user, store.database, password], [user, name, "${DB_PASSWORD:?}"]);
    assert.deepEqual(store.hosts, [{ host: "db", port: 5432 }]);
    assert.equal(store.sslmode, "disable", "the server has no TLS");
    assert.deepEqual(relay.depends_on, { db: { condition: "service_healthy" } });
    assert.equal(services.db.ports, undefined);
  }
  assert.deepEqual(relays.map(({ hostname }) => hostname), ["relay-1", "relay-2"], "relays tell each other apart");
  assert.ok(services.db.volumes[0].startsWith(`${Object.keys(volumes)[0]}:`));

  const { balancer } = services;
  const haproxy = blocksOf("haproxy")[0]!;
  assert.deepEqual(balancer.depends_on, ["relay-1", "relay-2"]);
  for (const name of balancer.depends_on) assert.match(haproxy, new RegExp(`^ +server ${name} ${name}:3000$`, "m"));
  assert.match(haproxy, /^ +bind :3000$/m);
  assert.deepEqual(balancer.ports, ["3000:3000"]);
  for (const [, name] of haproxy.matchAll(/\$\{(\w+)\}/g)) assert.ok(name! in balancer.environment, name);
  assert.equal(relays[0].environment.ADMIN_TOKEN, balancer.environment.ADMIN_TOKEN);
  assert.match(haproxy, /port 9300 /, "that of `admin` where the config says nothing else");
  assert.match(config, /admin: \{ host: "0\.0\.0\.0", token: env\("ADMIN_TOKEN"\) \}/);
});
