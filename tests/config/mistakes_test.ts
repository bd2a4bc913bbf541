/** Mistakes in a config, one at a time: where each lies, and that no message shows a secret. */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { connectvets, email, env, firstOf, hmac, http, script, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { toldIn } from "../../lib/warnings.ts";
import { problemOf } from "../helpers/issues.ts";

const SECRET = "whs_0123456789abcdef";

const wrong = (options: unknown) => options as never;
const clinic = (options: object) => connectvets({ path: "/webhook", secret: SECRET, ...(options as object) });
const crm = (options: object) => http({ url: "http://127.0.0.1/", ...(options as object) });

const configOf = (parts: Record<string, unknown>): unknown => ({
  sources: { clinic: clinic({}) },
  targets: { crm: crm({}), chat: slack({ url: "https://hooks.example/T/B/x" }) },
  routes: [{ on: "note.*", to: "crm" }],
  ...parts,
});

const problemsOf = (parts: Record<string, unknown>) => readConfig(configOf(parts), "/").issues.map(problemOf);

const chain = (targets: unknown[], options: object = {}) => firstOf(wrong(targets), wrong(options));
const route = (more: object) => ({ routes: [{ on: "note.*", to: "crm", ...more }] });
const alert = (when: object, to = "crm") => ({ alerts: [{ when, to }] });
const target = (options: object) => ({ targets: { crm: crm(options) } });

const rows: [parts: Record<string, unknown>, problem: RegExp][] = [
  // misspelt options, at every level
  [{ storre: "x" }, /^: unknown option "storre"; known options are "listen", .*did you mean "store"\?$/],
  [{ listen: { prot: 1 } }, /^listen: unknown option "prot"; .*did you mean "port"\?$/],
  [{ admin: { tokn: "x" } }, /^admin: unknown option "tokn"; .*did you mean "token"\?$/],
  [
    { rateLimit: { per: "1s", limit: 1, burst: 2 } },
    /^rateLimit: unknown option "burst"; known options are "per", "limit"$/,
  ],
  [{ retry: { schedule: [], jiter: 1 } }, /^retry: unknown option "jiter"; .*did you mean "jitter"\?$/],
  [
    { sources: { clinic: clinic({ dedup: 1 }) } },
    /^sources\.clinic: unknown option "dedup"; .*did you mean "dedupe"\?$/,
  ],
  [
    { sources: { clinic: clinic({ rateLimit: { per: "1s", limt: 1 } }) } },
    /^sources\.clinic\.rateLimit: unknown option "limt"|^sources\.clinic\.rateLimit\.limit: is missing/,
  ],
  [target({ header: {} }), /^targets\.crm: unknown option "header"; .*did you mean "headers"\?$/],
  [target({ rate: { per: "1s", limit: 1, x: 1 } }), /^targets\.crm\.rate: unknown option "x"/],
  [
    target({ retry: { schedul: [] } }),
    /^targets\.crm\.retry: unknown option "schedul"; .*did you mean "schedule"\?$|^targets\.crm\.retry\.schedule: is missing/,
  ],
  [route({ txt: "x" }), /^routes\[0\]: unknown option "txt"; .*did you mean "text"\?$/],
  [target({ zzzzzz: 1 }), /^targets\.crm: unknown option "zzzzzz"; known options are "timeout", [^?]*$/],
  // targets that are not there
  [
    route({ to: "crmm" }),
    /^routes\[0\]\.to: unknown target "crmm"; known targets are "crm", "chat"; did you mean "crm"\?$/,
  ],
  [route({ to: ["crm", "nobody"] }), /^routes\[0\]\.to: unknown target "nobody"; known targets are "crm", "chat"$/],
  [{ fallback: "chta" }, /^fallback: unknown target "chta"; .*did you mean "chat"\?$/],
  [{ fallback: "constructor" }, /^fallback: unknown target "constructor"/],
  [{ fallback: ["crm"] }, /^fallback: expected the name of a target, got a list; did you mean "crm"\?$/],
  [route({ to: [] }), /^routes\[0\]\.to: expected at least one, got an empty list$/],
  [route({ to: ["crm", 5] }), /^routes\[0\]\.to\[1\]: expected the name of a target, or `firstOf\(\[…\]\)`, got 5$/],
  // chains
  [route({ to: chain(["crm", "chatt"]) }), /^routes\[0\]\.to: unknown target "chatt"; .*did you mean "chat"\?$/],
  [route({ to: ["crm", chain(["chat", "x"])] }), /^routes\[0\]\.to: unknown target "x"; known targets are/],
  [
    route({ to: chain(["crm"]) }),
    /^routes\[0\]\.to\.firstOf: expected at least two names of targets, none of them twice, got a list$/,
  ],
  [route({ to: chain(["crm", "chat", "crm"]) }), /^routes\[0\]\.to\.firstOf: expected at least two names of targets/],
  [route({ to: chain(["crm", 5]) }), /^routes\[0\]\.to\.firstOf\[1\]: expected the name of a target, got 5$/],
  [
    route({ to: ["crm", chain(["crm", "chat"])] }),
    /^routes\[0\]\.to: "crm" is in a `firstOf` and named once more in this route$/,
  ],
  [
    route({ to: [chain(["crm", "chat"]), chain(["chat", "crm"])] }),
    /^routes\[0\]\.to: "(chat|crm)" is in a `firstOf` and named once more in this route$/,
  ],
  [
    route({ to: chain(["crm", "chat"], { within: "10 m" }) }),
    /^routes\[0\]\.to\.within: expected a duration .*"10m"\?$/,
  ],
  [route({ to: chain(["crm", "chat"], { within: 0 }) }), /^routes\[0\]\.to\.within: expected more than 0, got 0$/],
  [
    route({ to: ["crm", chain(["crm", "chat"], { within: "8d" })] }),
    /^routes\[0\]\.to\[1\]\.within: expected at most 7 days, got "8d"$|named once more/,
  ],
  [
    route({ to: chain(["crm", "chat"], { until: "seen" }) }),
    /^routes\[0\]\.to\.until: expected "delivered" or "read", got "seen"/,
  ],
  [
    route({ to: chain(["crm", "chat"], { witin: "5m" }) }),
    /^routes\[0\]\.to: unknown option "witin"; known options are "within", "until"; did you mean "within"\?$/,
  ],
  [route({ to: {} }), /^routes\[0\]\.to\.firstOf: is missing|^routes\[0\]\.to: expected the name of a target/],
  [route({ on: [] }), /^routes\[0\]\.on: expected at least one, got an empty list$/],
  // durations, sizes, numbers
  [{ drain: "1e999s" }, /^drain: expected a duration such as .*, got "1e999s"$/],
  [{ drain: "99999999999d" }, /^drain: expected a duration such as .*at most 24 days, got "99999999999d"$/],
  [{ drain: true }, /^drain: expected a duration such as .*, got true$/],
  [{ maxBody: "1024k" }, /^maxBody: expected a size such as .*, got "1024k"; did you mean "1024kb"\?$/],
  [{ maxBody: "999999999999gb" }, /^maxBody: expected a size such as .*, got "999999999999gb"$/],
  [{ maxBody: NaN }, /^maxBody: expected a size such as .*, got NaN$/],
  [{ maxBody: Infinity }, /^maxBody: expected a size such as .*, got Infinity$/],
  [target({ timeout: "-1s" }), /^targets\.crm\.timeout: expected a duration such as .*, got "-1s"$/],
  [target({ timeout: "0s" }), /^targets\.crm\.timeout: expected more than 0, got "0s"$/],
  [target({ timeout: "30d" }), /^targets\.crm\.timeout: expected a duration such as .*, got "30d"$/],
  [target({ sign: "whsec_A" }), /^targets\.crm\.sign: expected "whsec_" and a secret in base64, got another text$/],
  [target({ concurrency: 0 }), /^targets\.crm\.concurrency: expected more than 0, got 0$/],
  [target({ concurrency: 1.5 }), /^targets\.crm\.concurrency: expected a whole number, got 1\.5$/],
  [
    target({ rate: { per: "1s", limit: "1" } }),
    /^targets\.crm\.rate\.limit: expected a number, got "1"; did you mean 1\?$/,
  ],
  [target({ retry: ["1s", "soon"] }), /^targets\.crm\.retry\[1\]: expected a duration such as .*, got "soon"$/],
  [
    target({ retry: "never" }),
    /^targets\.crm\.retry: expected a list of pauses such as .*, got "never"; did you mean "none"\?$/,
  ],
  [target({ retry: { schedule: ["1s"], jitter: 2 } }), /^targets\.crm\.retry\.jitter: expected at most 1, got 2$/],
  [{ maxBacklog: 0 }, /^maxBacklog: expected more than 0, got 0$/],
  [
    { trustProxy: "10.0.0.1" },
    /^trustProxy: expected true, false, or the number of proxies in front, got "10\.0\.0\.1"$/,
  ],
  [{ trustProxy: -1 }, /^trustProxy: expected .*, got -1$/],
  [{ trustProxy: 1.5 }, /^trustProxy: expected .*, got 1\.5$/],
  [{ listen: { port: 65_536 } }, /^listen\.port: expected at most 65535, got 65536$/],
  [{ listen: { host: "" } }, /^listen\.host: expected a host such as "127\.0\.0\.1".*, got an empty text$/],
  [
    { timeZone: "America/Sao Paulo" },
    /^timeZone: expected an IANA time zone such as .*, got "America\/Sao Paulo"; did you mean "America\/Sao_Paulo"\?$/,
  ],
  [{ locale: "fr" }, /^locale: expected "pt-BR" or "en", got "fr"$/],
  // messages that nobody sends
  [route({ text: "x" }), /^routes\[0\]\.text: has no effect: none of the route's targets sends a text$/],
  [
    { routes: [{ on: "a", to: "chat", subject: "x" }] },
    /^routes\[0\]\.subject: has no effect: none of the route's targets sends a subject$/,
  ],
  [
    { routes: [{ on: "a", to: "chat", body: { a: 1 } }] },
    /^routes\[0\]\.body: has no effect: none of the route's targets sends a body$/,
  ],
  [
    { routes: [{ on: "a", to: "chat", text: "" }] },
    /^routes\[0\]\.text: expected a text that is not empty, or a function such as .*, got an empty text$/,
  ],
  [route({ when: "always" }), /^routes\[0\]\.when: expected a function, such as \(event\) => …, got "always"$/],
  // sources, their paths and headers
  [
    { sources: { clinic: clinic({}), shop: hmac({ path: "/webhook", secret: SECRET, header: "X" }) } },
    /^sources\.shop\.path: "\/webhook" is already the path of source "clinic"$/,
  ],
  [{ sources: { clinic: clinic({ path: "/healthz" }) } }, /^sources\.clinic\.path: "\/healthz" is reserved for/],
  [{ sources: { clinic: clinic({ path: "/a b" }) } }, /^sources\.clinic\.path: expected a path that starts with "\/"/],
  [{ sources: { clinic: clinic({ path: "/:id" }) } }, /^sources\.clinic\.path: expected a path that starts with "\/"/],
  [
    { sources: { shop: hmac({ path: "/w", secret: SECRET, header: "X Y" }) } },
    /^sources\.shop\.header: expected the name of a header, such as "X-Signature", got "X Y"$/,
  ],
  [
    { sources: { shop: hmac(wrong({ path: "/w", secret: SECRET, header: "X", algorithm: "md5" })) } },
    /^sources\.shop\.algorithm: expected "sha1", "sha256", or "sha512", got "md5"$/,
  ],
  [{ sources: { clinic: crm({}) } }, /^sources\.clinic: expected a source made by connectvets\(\) or hmac\(\)$/],
  [
    { targets: { crm: clinic({}) } },
    /^targets\.crm: expected a target made by discord\(\), email\(\), googleChat\(\), http\(\), ntfy\(\), script\(\), slack\(\), teams\(\), telegram\(\), or whatsapp\(\)$/,
  ],
  [
    { targets: { crm: { target: "http", options: {} } } },
    /^targets\.crm: expected a target made by discord\(\), email\(\), /,
  ],
  [{ targets: { crm: { target: { schema: 1 }, options: {} } } }, /^targets\.crm: expected a target made by /],
  [{ targets: { "my crm": crm({ timeout: 0 }), crm: crm({}) } }, /^targets\["my crm"\]\.timeout: expected more than 0/],
  [
    { targets: { crm: script(wrong({ command: "x" })) } },
    /^targets\.crm\.command: expected a list with a program .*, got "x"; did you mean \["x"\]\?$/,
  ],
  [target({ headers: { "a b": "x" } }), /^targets\.crm\.headers\["a b"\]: expected the name of a header/],
  [target({ headers: { A: "x\r\nB: y" } }), /^targets\.crm\.headers\.A: expected a text that fits into a header/],
  [
    { sources: { relay: clinic({}) } },
    /^sources\.relay: is reserved for system events, such as alarms; choose another name, such as "connectvets"$/,
  ],
  // alerts
  [{ alerts: { dead: 1 } }, /^alerts: expected a list such as \[\{ when: .* \}\], got an object$/],
  [alert({ dead: 0 }), /^alerts\[0\]\.when\.dead: expected more than 0, got 0$/],
  [alert({ dead: 1001 }), /^alerts\[0\]\.when\.dead: expected at most 1000, got 1001$/],
  [alert({ ded: 1 }), /^alerts\[0\]\.when: unknown option "ded"; .*did you mean "dead"\?$/],
  [
    alert({}),
    /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{ silent: "note\.\*", for: "6h" \} or \{ refused: 5, within: "10m" \}, got an object$/,
  ],
  [alert({ dead: 1, silent: "a", for: 1 }), /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{/],
  [alert({ dead: 1, within: "10m" }), /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{/],
  [alert({ refused: 1, for: "10m" }), /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{/],
  [alert({ refused: 1, within: "10m", for: "10m" }), /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{/],
  [alert({ within: "10m" }), /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{/],
  [alert({ refused: 5 }), /^alerts\[0\]\.when\.within: is missing; expected a duration such as "10m"$/],
  [alert({ refused: 5, within: "30s" }), /^alerts\[0\]\.when\.within: expected from 1 minute to 1 day, got "30s"$/],
  [alert({ refused: 5, within: "25h" }), /^alerts\[0\]\.when\.within: expected from 1 minute to 1 day, got "25h"$/],
  [alert({ refused: 0, within: "10m" }), /^alerts\[0\]\.when\.refused: expected more than 0, got 0$/],
  [alert({ dead: 1, for: "6h" }), /^alerts\[0\]\.when: expected \{ dead: 1 \}, \{/],
  [alert({ silent: "a" }), /^alerts\[0\]\.when\.for: is missing; expected a duration such as "6h"$/],
  [alert({ silent: "a", for: 0 }), /^alerts\[0\]\.when\.for: expected more than 0 and at most 30 days, got 0$/],
  [
    alert({ silent: "a", for: "31d" }),
    /^alerts\[0\]\.when\.for: expected more than 0 and at most 30 days, got "31d"$/,
  ],
  [
    alert({ silent: "", for: "6h" }),
    /^alerts\[0\]\.when\.silent: expected the name of an event or a pattern, such as "note\.\*", got an empty text$/,
  ],
  [
    alert({ dead: 1 }, "chta"),
    /^alerts\[0\]\.to: unknown target "chta"; known targets are "crm", "chat"; did you mean "chat"\?$/,
  ],
  [{ alerts: [{ when: { dead: 1 } }] }, /^alerts\[0\]\.to: is missing; expected the name of a target$/],
  [{ alerts: [{ to: "crm" }] }, /^alerts\[0\]\.when: is missing; expected \{ dead: 1 \}, /],
  // the admin side
  [{ admin: { host: "0.0.0.0" } }, /^admin\.token: is missing; "0\.0\.0\.0" can be reached from other machines$/],
  [{ admin: { host: "192.168.0.1" } }, /^admin\.token: is missing/],
  [{ admin: { host: "::" } }, /^admin\.token: is missing/],
  [{ admin: { host: "127.0.0.1.example.com" } }, /^admin\.token: is missing/],
  [{ admin: { host: "localhost.example.com" } }, /^admin\.token: is missing/],
  [
    { admin: { host: "0.0.0.0", token: "" } },
    /^admin\.token: expected a token that is not empty, such as env\("ADMIN_TOKEN"\), got an empty text$/,
  ],
  [{ admin: { port: "x" } }, /^admin\.port: expected a number, got "x"$/],
  [
    { admin: { publicUrl: "relay.example" } },
    /^admin\.publicUrl: expected the address of a host, without a path, such as/,
  ],
  [
    { admin: { publicUrl: "https://relay.example/admin" } },
    /^admin\.publicUrl: expected the address of a host, without a path/,
  ],
  [
    { admin: { publicUrl: "javascript:alert(1)" } },
    /^admin\.publicUrl: expected the address of a host, without a path/,
  ],
  [{ admin: true }, /^admin: expected false, or an object such as \{ port: 9300 \}, got true$/],
  [
    { store: "postgress://u:p@h/d" },
    /^store: expected a text such as "sqlite:relay\.db" or "postgres:\/\/USER.*, got a text that starts with "postgress:\/\/"$/,
  ],
  [{ store: "postgres://u:p@h:0/d" }, /^store: expected a port from 1 to 65535/],
  [
    { store: "postgres://u:p@h/d?shema=x" },
    /^store: unknown parameter "shema".*did you mean "schema"\?$/,
  ],
];

rows.forEach(([parts, problem], index) => {
  test(`readConfig() refuses mistake ${index + 1}: ${problem.source.slice(0, 60)}`, () => {
    const problems = problemsOf(parts);
    assert.ok(problems.length > 0, "no complaint");
    for (const one of problems) assert.match(one, problem);
  });
});

test("readConfig() takes loopback addresses without a token, and any with one", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) {
    assert.deepEqual(problemsOf({ admin: { host } }), []);
  }
  assert.deepEqual(problemsOf({ admin: { host: "0.0.0.0", token: "t" } }), []);
  assert.deepEqual(problemsOf({ admin: false }), []);
});

test("readConfig() does not blame a route for what is wrong with its target", () => {
  const targets = { chat: slack({ url: "nowhere" }), crm: crm({}) };
  assert.deepEqual(problemsOf({ targets, routes: [{ on: "a", to: "chat", text: "x" }] }), [
    'targets.chat.url: expected a URL that starts with "https://", such as env("SLACK_WEBHOOK_URL"), got a text without "://"',
  ]);
});

test("readConfig() warns of a secret that can be guessed, and takes it", () => {
  const { config, warnings } = readConfig(
    configOf({ sources: { clinic: clinic({ secret: ["short", SECRET] }) }, admin: { token: "admin123" } }),
    "/",
  );
  assert.ok(config);
  const told = (message: string) => ["sources.clinic.secret", "admin.token"].map((path) => ({ path, message }));
  assert.deepEqual(toldIn("en", warnings), told("is shorter than 16 bytes, so it can be guessed"));
  assert.deepEqual(toldIn("pt-BR", warnings), told("tem menos de 16 bytes e pode ser adivinhado"));
});

test("readConfig() shows no value of a secret option in any message, wherever it stands", () => {
  const value = "hunter2-" + "x".repeat(100);
  process.env.RELAY_M_SECRET = value;
  try {
    for (const secret of [value, env("RELAY_M_SECRET")]) {
      const { issues, secrets } = readConfig(
        configOf({
          store: secret,
          admin: { host: "0.0.0.0", token: [secret] },
          sources: {
            clinic: clinic({ secret: [secret, 5], path: "nowhere" }),
            shop: hmac(wrong({ path: "/s", secret: { secret }, header: "a b" })),
          },
          targets: {
            crm: http(wrong({ url: secret, sign: secret, headers: { Authorization: secret, "a b": secret, X: 5 } })),
            chat: slack(wrong({ url: secret, txt: secret })),
            mail: email({ via: wrong(secret), from: "x", to: "y" }),
            run: script({ command: wrong([]), env: { "A=": secret } }),
          },
        }),
        "/",
      );
      assert.ok(issues.length >= 12, `${issues.length}`);
      assert.doesNotMatch(issues.map(problemOf).join(), /hunter2/);
      assert.equal(secrets.includes(value), secret !== value);
    }
    const misplaced = configOf({ locale: env("RELAY_M_SECRET"), fallback: 5, timeZone: env("RELAY_M_SECRET") });
    assert.doesNotMatch(readConfig(misplaced, "/").issues.map(problemOf).join(), /hunter2/);
  } finally {
    delete process.env.RELAY_M_SECRET;
  }
});

test("readConfig() says the same once a schema of the API has had zod load its English", async () => {
  const mistakes = { drain: true, keep: 5, listen: { port: 70_000 }, admin: { host: "" }, locale: "x", maxBacklog: 0 };
  const before = problemsOf(mistakes);
  const { z } = await import("zod");
  assert.match(z.int().max(1).safeParse(2).error!.message, /Too big/);
  assert.deepEqual(problemsOf(mistakes), before);
  assert.equal(before.length, 6);
});
