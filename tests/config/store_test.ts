/** A config whose store is a database: its password is shown nowhere. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { connectvets, env, http } from "../../lib/config/mod.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { ConfigError } from "../../lib/errors.ts";
import { redactor } from "../../lib/secret.ts";
import { storePlace, warningsNow } from "../../lib/store_place.ts";
import { makeFolder } from "../helpers/folder.ts";
import { problemOf } from "../helpers/issues.ts";

const configOf = (store: unknown): Record<string, unknown> => ({
  sources: { clinic: connectvets({ path: "/webhook", secret: "whs_0123456789abcdef" }) },
  targets: { crm: http({ url: "http://127.0.0.1/" }) },
  routes: [{ on: "note.*", to: "crm" }],
  store,
});

const PASSWORD = "hunter2 & more";
const URL_TEXT = `postgres://relay:${encodeURIComponent(PASSWORD)}@db.example/events?schema=clinic`;

test("readConfig() takes a URL of PostgreSQL, also by a variable, and keeps its password secret", () => {
  process.env.DATABASE_URL = URL_TEXT;
  for (const store of [URL_TEXT, env("DATABASE_URL")]) {
    const { config, issues, secrets, keys } = readConfig(configOf(store), "/");
    assert.deepEqual(issues, []);
    const place = storePlace({ config: config!, folder: "/" });
    assert.ok("database" in place);
    assert.equal(place.database.password, PASSWORD);
    assert.equal(place.shown, "postgres://relay:***@db.example/events?schema=clinic");
    assert.ok(keys.includes(PASSWORD));
    const redact = redactor(secrets);
    assert.equal(redact(place.shown), place.shown, "what people are shown is readable");
    for (const text of [URL_TEXT, PASSWORD, encodeURIComponent(PASSWORD)]) assert.doesNotMatch(redact(text), /hunter2/);
  }
});

test("readConfig() refuses a URL that is not sound, and masks all of it", () => {
  process.env.DATABASE_URL = "postgres://relay:hunter2/x@db/x";
  for (const store of ["postgres://relay:hunter2@db/x?sslmod=require", env("DATABASE_URL")]) {
    const { config, issues, secrets } = readConfig(configOf(store), "/");
    assert.equal(config, undefined);
    assert.deepEqual(issues.map(({ path }) => path), ["store"]);
    assert.match(problemOf(issues[0]!), /^store: (unknown parameter "sslmod"|expected "postgres:\/\/)/);
    assert.doesNotMatch(problemOf(issues[0]!), /hunter2/);
    assert.ok(secrets.some((secret) => secret.includes("hunter2")));
  }
});

test("loadConfig() says of a config that holds the password that others can read it; a database has no file to warn of", async () => {
  const folder = makeFolder();
  after(() => folder.remove());
  const file = join(folder.path, "relay.config.ts");
  writeFileSync(
    file,
    `import { connectvets, defineConfig, http } from "relay";
    export default defineConfig({
      store: "postgres://relay:a-password-that-is-long@db/x",
      sources: { clinic: connectvets({ path: "/webhook", secret: "whs_0123456789abcdef" }) },
      targets: { crm: http({ url: "http://127.0.0.1/" }) },
      routes: [{ on: "note.*", to: "crm" }],
    });`,
    { mode: 0o644 },
  );
  const loaded = await loadConfig(file);
  assert.equal(loaded.redact("a-password-that-is-long"), "[secret]");
  assert.deepEqual(warningsNow(loaded).map(({ path }) => path).filter((path) => path === "store"), []);
  writeFileSync(file, `export default { store: "postgres://relay:hunter2@db:x/" };`);
  await assert.rejects(loadConfig(file), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.exitCode, 78);
    assert.doesNotMatch(JSON.stringify(error.issues.map((one) => [problemOf(one), one.place])), /hunter2/);
    return true;
  });
});
