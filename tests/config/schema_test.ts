/** What a config may say, and what a person is told who got it wrong. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { connectvets, credential, email, env, file, firstOf, hmac, http, script, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { toldIn } from "../../lib/warnings.ts";
import { makeFolder } from "../helpers/folder.ts";
import { problemOf } from "../helpers/issues.ts";

const SECRET = "whs_0123456789abcdef";

/** A sound config with these parts in place of its own. */
const configOf = (parts: Record<string, unknown> = {}): Record<string, unknown> => ({
  sources: { clinic: connectvets({ path: "/webhook", secret: SECRET }) },
  targets: { crm: http({ url: "http://127.0.0.1/" }), chat: slack({ url: "https://hooks.example/T/B/x" }) },
  routes: [{ on: "note.*", to: "crm" }],
  ...parts,
});

/** Options that no type allows, as a config without types may have them. */
const wrong = (options: unknown) => options as never;

/** Every mistake, as `path: message`. */
function problemsOf(config: unknown, folder = "/"): string[] {
  const { config: sound, issues } = readConfig(config, folder);
  assert.equal(sound === undefined, issues.length > 0);
  return issues.map(problemOf);
}

test("readConfig() fills in the defaults", () => {
  const { config, issues, warnings } = readConfig(configOf(), "/");
  assert.deepEqual([issues, warnings], [[], []]);
  const { sources, targets, routes, ...rest } = config!;
  assert.deepEqual(rest, {
    accesses: [],
    listen: { host: "0.0.0.0", port: 3000 },
    admin: { host: "127.0.0.1", port: 9300 },
    store: "sqlite:relay.db",
    fallback: undefined,
    maxBacklog: undefined,
    trustedProxies: 0,
    retry: {
      scheduleMs: [5_000, 30_000, 120_000, 600_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000],
      jitter: 0.2,
    },
    keep: { deliveredMs: 30 * 86_400_000, deadMs: 90 * 86_400_000 },
    alerts: [],
    drainMs: 10_000,
    locale: undefined,
    timeZone: "America/Sao_Paulo",
  });
  assert.deepEqual(
    sources.map((
      { name, kind, path, maxBodyBytes, signatureHeaders },
    ) => [name, kind, path, maxBodyBytes, signatureHeaders]),
    [
      ["clinic", "connectvets", "/webhook", 1_048_576, ["X-ConnectVets-Signature"]],
    ],
  );
  assert.deepEqual(routes, [{
    on: ["note.*"],
    to: ["crm"],
    chains: [],
    when: undefined,
    enrich: undefined,
    message: {},
  }]);
  const policy = {
    timeoutMs: 15_000,
    concurrency: 8,
    quickConcurrency: 64,
    rates: [],
    retry: undefined,
    circuit: { failures: 5, pauseMs: 60_000 },
    order: undefined,
  };
  assert.deepEqual(targets.get("crm")!.policy, policy);
  assert.deepEqual(targets.get("chat")!.policy, {
    ...policy,
    quickConcurrency: undefined,
    rates: [{ perMs: 1_000, limit: 1 }],
  });
});

test("readConfig() takes every option", () => {
  const when = () => true;
  const { config, issues } = readConfig(
    configOf({
      listen: { host: "::1", port: 0 },
      admin: { host: "0.0.0.0", port: 9999, token: "an admin token", publicUrl: "https://relay.example" },
      store: "sqlite:/var/lib/relay/relay.db",
      sources: {
        a: connectvets({
          path: "/a",
          secret: [SECRET, "another secret!!"],
          maxBody: "2kb",
          rateLimit: { per: "1m", limit: 9 },
        }),
        b: hmac({ path: "/b", secret: SECRET, header: "X-B" }),
      },
      routes: [{ on: ["a", "b.*"], to: ["crm", "chat"], when, text: "x", body: null }],
      fallback: "chat",
      maxBody: "1kb",
      rateLimit: { per: "1s", limit: 5 },
      maxBacklog: 10,
      trustProxy: 2,
      retry: { schedule: ["1s"], jitter: 0 },
      keep: { delivered: "1d", dead: 5 },
      alerts: [{ when: { dead: 2 }, to: "chat" }, { when: { silent: "note.*", for: "6h" }, to: "crm" }, {
        when: { refused: 5, within: "10m" },
        to: "crm",
      }],
      drain: 0,
      locale: "en",
      timeZone: "UTC",
    }),
    "/",
  );
  assert.deepEqual(issues, []);
  const { sources, routes, targets: _targets, ...rest } = config!;
  assert.deepEqual(rest, {
    accesses: [],
    listen: { host: "::1", port: 0 },
    admin: { host: "0.0.0.0", port: 9999, token: "an admin token", publicUrl: "https://relay.example" },
    store: "sqlite:/var/lib/relay/relay.db",
    fallback: "chat",
    maxBacklog: 10,
    trustedProxies: 2,
    retry: { scheduleMs: [1_000], jitter: 0 },
    keep: { deliveredMs: 86_400_000, deadMs: 5 },
    alerts: [{ dead: 2, to: "chat" }, { silent: "note.*", forMs: 21_600_000, to: "crm" }, {
      refused: 5,
      withinMs: 600_000,
      to: "crm",
    }],
    drainMs: 0,
    locale: "en",
    timeZone: "UTC",
  });
  assert.deepEqual(sources.map(({ maxBodyBytes, rateLimit }) => [maxBodyBytes, rateLimit]), [
    [2_048, { perMs: 60_000, limit: 9 }],
    [1_024, { perMs: 1_000, limit: 5 }],
  ]);
  assert.deepEqual(routes, [{
    on: ["a", "b.*"],
    to: ["crm", "chat"],
    chains: [],
    when,
    enrich: undefined,
    message: { text: "x", body: null },
  }]);
});

test("readConfig() reads chains, with their defaults, beside other targets", () => {
  const targets = Object.fromEntries(
    ["a", "b", "c", "d", "e"].map((name) => [name, http({ url: "http://127.0.0.1/" })]),
  );
  const { config } = readConfig(
    configOf({
      targets,
      routes: [
        { on: "note.*", to: firstOf(["a", "b"]) },
        {
          on: "**",
          to: ["c", firstOf(["e", "a"], { within: "1h", until: "read" }), firstOf(["b", "d"], { within: 5 })],
        },
      ],
    }),
    "/",
  );
  assert.deepEqual(config!.routes.map(({ to, chains }) => ({ to, chains })), [
    { to: ["a", "b"], chains: [{ targets: ["a", "b"], withinMs: 600_000, until: "delivered" }] },
    {
      to: ["c", "e", "a", "b", "d"],
      chains: [
        { targets: ["e", "a"], withinMs: 3_600_000, until: "read" },
        { targets: ["b", "d"], withinMs: 5, until: "delivered" },
      ],
    },
  ]);
});

test("readConfig() warns of a chain that waits for reading where nothing says so", () => {
  const to = firstOf(["crm", "chat"], { until: "read" });
  const { warnings } = readConfig(configOf({ routes: [{ on: "note.*", to }] }), "/");
  assert.deepEqual(
    toldIn("en", warnings),
    ["crm", "chat"].map((name) => ({
      path: "routes[0].to",
      message:
        `waits until a message is read, but "${name}" has no receipts that say so: the next target is always told as well`,
    })),
  );
  const plain = configOf({ routes: [{ on: "note.*", to: firstOf(["crm", "chat"]) }] });
  assert.deepEqual(readConfig(plain, "/").warnings, []);
});

test("readConfig() says every mistake at once, each in its place", () => {
  const problems = problemsOf({
    lisen: {},
    listen: { port: "3000", hots: "x" },
    store: 5,
    sources: { clinic: connectvets(wrong({ path: "webhook", secrets: "x" })), shop: "shop" },
    targets: {
      crm: http(wrong({ url: "ftp://x", timout: 1, rate: { per: "0s", limit: 0 } })),
      mail: email(wrong({ via: "http://x", from: "nobody", to: [] })),
    },
    routes: [{ on: "note.*", to: "crn", wen: 1 }, { to: ["mail", "mial"], when: true }, "route"],
    fallback: "cmr",
    drain: "-1s",
  });
  const expected = [
    /^: unknown option "lisen"; known options are "listen", .*; did you mean "listen"\?$/,
    /^listen\.port: expected a number, got "3000"; did you mean 3000\?$/,
    /^listen: unknown option "hots"; known options are "host", "port", "tls"; did you mean "host"\?$/,
    /^store: expected a text such as "sqlite:relay\.db" or .*, got a number$/,
    /^sources\.clinic\.path: expected a path that starts with "\/".*, got "webhook"; did you mean "\/webhook"\?$/,
    /^sources\.clinic: unknown option "secrets"; .*; did you mean "secret"\?$/,
    /^sources\.shop: expected a source made by connectvets\(\) or hmac\(\)$/,
    /^targets\.crm\.url: expected a URL that starts with "http:\/\/" or "https:\/\/", got a text that starts with "ftp:\/\/"$/,
    /^targets\.crm: unknown option "timout"; .*; did you mean "timeout"\?$/,
    /^targets\.crm\.rate\.per: expected more than 0, got "0s"$/,
    /^targets\.crm\.rate\.limit: expected more than 0, got 0$/,
    /^targets\.mail\.via: expected a URL such as "smtp:\/\/.*, got a text that starts with "http:\/\/"$/,
    /^targets\.mail\.from: expected an address such as .*, got "nobody"$/,
    /^targets\.mail\.to: expected at least one recipient, got an empty list$/,
    /^routes\[0\]: unknown option "wen"; .*; did you mean "when"\?$/,
    /^routes\[0\]\.to: unknown target "crn"; known targets are "crm", "mail"; did you mean "crm"\?$/,
    /^routes\[1\]\.on: is missing; expected the name of an event such as "note\.failed", a pattern such as "note\.\*", or a list of them$/,
    /^routes\[1\]\.when: expected a function, such as \(event\) => …, got true$/,
    /^routes\[1\]\.to: unknown target "mial"; known targets are "crm", "mail"; did you mean "mail"\?$/,
    /^routes\[2\]: expected an object such as \{ on: "note\.failed", to: "crm" \}, got "route"$/,
    /^fallback: unknown target "cmr"; known targets are "crm", "mail"; did you mean "crm"\?$/,
    /^drain: expected a duration such as "15s".*, got "-1s"$/,
  ];
  for (const one of expected) {
    assert.equal(problems.filter((problem) => one.test(problem)).length, 1, `${one} in\n${problems.join("\n")}`);
  }
  assert.equal(problems.length, expected.length, problems.join("\n"));
});

test("readConfig() says what is missing from an empty config, and takes nothing else for one", () => {
  assert.deepEqual(problemsOf({}), [
    'sources: is missing; expected an object such as { connectvets: connectvets({ path: "/webhook", secret: env("CONNECTVETS_SECRET") }) }',
    'targets: is missing; expected an object such as { crm: http({ url: "https://crm.example/webhook" }) }',
    'routes: is missing; expected a list such as [{ on: "note.failed", to: "crm" }]',
  ]);
  assert.deepEqual(problemsOf({ sources: {}, targets: {}, routes: [] }), [
    "sources: expected at least one source",
    "targets: expected at least one target",
  ]);
  for (const value of [null, [], "config", 5]) assert.match(problemsOf(value)[0]!, /^: expected an object, got /);
});

/** Runs `work` with secrets set, empty and missing, in each way that a config can name them. */
function withSecrets(work: (folder: string) => void): void {
  const folder = makeFolder();
  Object.assign(process.env, { RELAY_S_EMPTY: "", RELAY_S_BLANK: "  ", CREDENTIALS_DIRECTORY: join(folder.path, "c") });
  try {
    mkdirSync(join(folder.path, "c"));
    for (const name of ["empty", "c/empty"]) writeFileSync(join(folder.path, name), "\n");
    work(folder.path);
  } finally {
    for (const name of ["RELAY_S_EMPTY", "RELAY_S_BLANK", "CREDENTIALS_DIRECTORY"]) delete process.env[name];
    folder.remove();
  }
}

const emptySecrets: [secret: unknown, problems: string[]][] = [
  ["", ['secret: expected a secret that is not empty, such as env("CONNECTVETS_SECRET"), got an empty text']],
  [[], ["secret: expected at least one secret, got an empty list"]],
  [[""], ['secret[0]: expected a secret that is not empty, such as env("CONNECTVETS_SECRET"), got an empty text']],
  [[SECRET, ""], [
    'secret[1]: expected a secret that is not empty, such as env("CONNECTVETS_SECRET"), got an empty text',
  ]],
  [undefined, ['secret: is missing; expected a secret such as env("CONNECTVETS_SECRET"), or a list of secrets']],
  [null, ['secret: expected a secret such as env("CONNECTVETS_SECRET"), or a list of secrets, got null']],
  [env("RELAY_S_NONE"), ['secret: env("RELAY_S_NONE") is not set']],
  [env("RELAY_S_EMPTY"), ['secret: env("RELAY_S_EMPTY") is empty']],
  [env("RELAY_S_BLANK"), ['secret: env("RELAY_S_BLANK") is empty']],
  [env("RELAY_S_NONE", { default: "" }), ['secret: env("RELAY_S_NONE") is empty']],
  [file("none"), ["secret: the file FOLDER/none does not exist"]],
  [file("empty"), ['secret: file("empty") is empty']],
  [credential("none"), ["secret: the file FOLDER/c/none does not exist"]],
  [credential("empty"), ['secret: credential("empty") is empty']],
  [[env("RELAY_S_NONE"), SECRET], ['secret[0]: env("RELAY_S_NONE") is not set']],
  [
    [env("RELAY_S_NONE"), "", env("RELAY_S_EMPTY")],
    [
      'secret[0]: env("RELAY_S_NONE") is not set',
      'secret[2]: env("RELAY_S_EMPTY") is empty',
      'secret[1]: expected a secret that is not empty, such as env("CONNECTVETS_SECRET"), got an empty text',
    ],
  ],
];

emptySecrets.forEach(([secret, problems], index) => {
  test(`readConfig() refuses an empty secret, form ${index + 1}: ${problems[0]}`, () =>
    withSecrets((folder) => {
      const sources = { clinic: connectvets({ path: "/w", secret: wrong(secret) }) };
      const found = problemsOf(configOf({ sources }), folder).map((one) => one.replace(folder, "FOLDER"));
      assert.deepEqual(found, problems.map((one) => `sources.clinic.${one}`));
    }));
});

test("readConfig() refuses empty secrets of targets and of the admin side", () =>
  withSecrets((folder) => {
    const none = env("RELAY_S_NONE");
    const targets = {
      a: http({ url: none, sign: none, headers: { Authorization: none } }),
      b: slack({ url: "" }),
      c: email({ via: "", from: "a@b.example", to: "a@b.example" }),
      d: script({ command: ["x"], env: { TOKEN: env("RELAY_S_EMPTY") } }),
    };
    const config = configOf({ targets, routes: [{ on: "**", to: "a" }], admin: { token: "" } });
    assert.deepEqual(problemsOf(config, folder).map((one) => one.split(":")[0]).sort(), [
      "admin.token",
      "targets.a.headers.Authorization",
      "targets.a.sign",
      "targets.a.url",
      "targets.b.url",
      "targets.c.via",
      "targets.d.env.TOKEN",
    ]);
  }));
