/** Access to ConnectVets' API in a config: what is read, and which mistakes are told. */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { connectvets, connectvetsApi, env, http, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { toldIn } from "../../lib/warnings.ts";
import { problemOf } from "../helpers/issues.ts";

const KEY = "cvn_live_0123456789";
const wrong = (options: unknown) => options as never;

const configOf = (route: object, target: object = {}) => ({
  sources: { clinic: connectvets({ path: "/webhook", secret: "0123456789abcdef" }) },
  targets: { chat: slack({ url: "https://hooks.example/x", ...target }), crm: http({ url: "https://crm.example/" }) },
  routes: [{ on: "note.*", to: "chat", ...route }],
});

const issuesOf = (config: object) => readConfig(config, "/").issues.map(problemOf);
const warningsOf = (config: object) =>
  toldIn("en", readConfig(config, "/").warnings).map(({ path, message }) => `${path}: ${message}`);

test("connectvetsApi() gives production by default, the sandbox or another base where it is asked for", () => {
  const urlOf = (options: object) =>
    readConfig(configOf({ enrich: connectvetsApi({ key: KEY, ...options }) }), "/").config!.accesses[0]!.url;
  assert.equal(urlOf({}), "https://api.connectvets.com.br/notes/v1");
  assert.equal(urlOf({ sandbox: true }), "https://api-sandbox.connectvets.com.br/notes/v1");
  assert.equal(urlOf({ url: "http://127.0.0.1:1/notes/v1/" }), "http://127.0.0.1:1/notes/v1");
});

test("connectvetsApi() has its key read from the environment, for routes and targets, and kept secret", () => {
  process.env.ENRICH_KEY = "from the environment".replaceAll(" ", "_");
  const api = connectvetsApi({ key: env("ENRICH_KEY"), optional: true });
  const { config, secrets } = readConfig(configOf({ enrich: api }, { enrich: api }), "/");
  const [route, target] = [config!.routes[0]!.enrich!, config!.targets.get("chat")!.enrich!];
  assert.deepEqual([config!.accesses[0]!.key, route.isOptional], ["from_the_environment", true]);
  assert.deepEqual(target, route);
  assert.ok(secrets.includes("from_the_environment"));
  assert.ok(!route.lane.includes("environment"));
  assert.ok(readConfig(configOf({ enrich: connectvetsApi({ key: KEY }) }), "/").secrets.includes(KEY), "a literal one");
  assert.ok(readConfig(configOf({}, { enrich: connectvetsApi({ key: KEY }) }), "/").secrets.includes(KEY));
});

test("connectvetsApi() has one lane a key and base, whatever else is said", () => {
  const laneOf = (options: object) =>
    readConfig(configOf({ enrich: connectvetsApi({ key: KEY, ...options }) }), "/").config!.accesses[0]!.lane;
  assert.equal(laneOf({}), laneOf({ optional: true }));
  assert.notEqual(laneOf({}), laneOf({ sandbox: true }));
  assert.notEqual(laneOf({}), laneOf({ key: "cvn_live_other" }));
});

const mistakes: [string, unknown, RegExp][] = [
  [
    "no key",
    connectvetsApi(wrong({})),
    /^routes\[0\]\.enrich\.key: is missing; expected a key without spaces, such as env/,
  ],
  [
    "an empty key",
    connectvetsApi({ key: "" }),
    /^routes\[0\]\.enrich\.key: expected a key without spaces, .*got an empty text$/,
  ],
  [
    "a variable that is not set",
    connectvetsApi({ key: env("NOT_SET") }),
    /^routes\[0\]\.enrich\.key: env\("NOT_SET"\) is/,
  ],
  [
    "a key with a line end",
    connectvetsApi({ key: `${KEY}\n` }),
    /^routes\[0\]\.enrich\.key: .*without spaces, .*got another/,
  ],
  [
    "a misspelt option",
    connectvetsApi(wrong({ key: KEY, sandbx: true })),
    /^routes\[0\]\.enrich: unknown option "sandbx"/,
  ],
  ["a base that is no URL", connectvetsApi({ key: KEY, url: "api" }), /^routes\[0\]\.enrich\.url: expected a URL/],
  ["what is no API", "https://x", /^routes\[0\]\.enrich: expected an object, got/],
  [
    "an object of one's own",
    { key: KEY },
    /^routes\[0\]\.enrich\.api: is missing; expected connectvetsApi\(\{ key: env\("CONNECTVETS_KEY"\) \}\)$/,
  ],
];

for (const [what, enrich, message] of mistakes) {
  test(`readConfig() tells of ${what} in enrich, and never the key`, () => {
    const issues = issuesOf(configOf({ enrich }));
    assert.equal(issues.length, 1, issues.join("\n"));
    assert.match(issues[0]!, message);
    assert.ok(!issues[0]!.includes(KEY), issues[0]);
  });
}

test("readConfig() warns of a key of the other environment, and of an enrich that serves nobody", () => {
  const enrich = connectvetsApi({ key: KEY });
  assert.deepEqual(warningsOf(configOf({ enrich })), []);
  assert.match(
    warningsOf(configOf({ enrich: connectvetsApi({ key: "cvn_test_x" }) })).join(),
    /routes\[0\]\.enrich: has a sandbox key/,
  );
  assert.match(
    warningsOf(configOf({}, { enrich: connectvetsApi({ key: KEY, sandbox: true }) })).join(),
    /targets\.chat\.enrich: has a production key/,
  );
  assert.match(warningsOf(configOf({ enrich, to: "crm" })).join(), /routes\[0\]\.enrich: has no effect/);
  assert.deepEqual(warningsOf(configOf({ enrich, to: "crm", body: () => 1 })), []);
});
