/** Fixtures: what they may say, what a config makes of them, and how one is recorded. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { connectvets, defineConfig, email, http, script, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import type { ReadableEvent } from "../../lib/event.ts";
import { type Fixture, readFixtures, recordFixture, testFixture, unhit } from "../../lib/operator/fixture.ts";
import { redactor } from "../../lib/secret.ts";
import { readable } from "../../lib/sources/view.ts";
import { inEnglish } from "../../lib/locale/phrase.ts";

const SECRET = "whs_0123456789abcdef";
const TOKEN = "tok_0123456789abcdef";

/** A config of real targets, none of which is reached. */
const { config, secrets } = readConfig(
  defineConfig({
    sources: { connectvets: connectvets({ path: "/webhook", secret: SECRET }) },
    targets: {
      plantao: slack({ url: "http://127.0.0.1:9/slack", text: (e) => `Nota ${e.data.note_id}: <b>` }),
      equipe: email({ via: "smtp://127.0.0.1:9", from: "relay@clinica.example", to: "equipe@clinica.example" }),
      sistema: http({ url: `http://127.0.0.1:9/in?token=${TOKEN}` }),
      crm: http({ url: "http://127.0.0.1:9/crm", body: (e) => ({ note: e.data.note_id, key: TOKEN }) }),
      quebrado: http({ url: "http://127.0.0.1:9/x", body: (e) => e.data.error!.code }),
      arquivo: script({ command: ["logger"] }),
    },
    routes: [
      { on: "note.failed", to: ["plantao", "equipe"] },
      { on: "note.*", to: "sistema", when: (e) => e.data.external_id !== undefined },
      { on: "note.synced", to: "crm" },
      { on: "note.broken", to: "quebrado" },
      { on: "note.threw", to: "crm", when: (e) => (e.data as unknown as { a: { b: boolean } }).a.b },
      { on: "order.*", to: "crm" },
    ],
  }),
  "/",
);
assert.ok(config);
const table = config;
const redact = redactor(secrets);

const run = (fixture: Fixture) => testFixture(fixture, table, redact);
const failed = { event: "note.failed", data: { note_id: "N1", external_id: "C1" } };
const synced = { event: "note.synced", data: { note_id: "N1" } };

const passing: [what: string, fixture: Fixture][] = [
  ["targets in any order, once or twice", {
    event: failed,
    expect: { targets: ["sistema", "equipe", "plantao", "equipe"] },
  }],
  ["fields of a message", { event: failed, expect: { messages: { plantao: { text: "Nota N1: <b>" }, equipe: {} } } }],
  ["an HTTP target that is sent the event itself", {
    event: failed,
    expect: { messages: { sistema: "as received" } },
  }],
  ["what an HTTP target is sent instead", {
    event: synced,
    expect: { targets: ["crm"], messages: { crm: { body: { note: "N1", key: TOKEN } } } },
  }],
  ["a mask in place of a secret", {
    event: synced,
    expect: { messages: { crm: { body: { key: "[secret]", note: "N1" } } } },
  }],
  ["an event that is unrouted", { event: { event: "other", data: {} }, expect: "unrouted" }],
];

for (const [what, fixture] of passing) {
  test(`testFixture() passes ${what}`, () => assert.deepEqual(run(fixture).differences, []));
}

const failing: [what: string, fixture: Fixture, differences: unknown[]][] = [
  [
    "other targets",
    { event: failed, expect: { targets: ["plantao"] } },
    [{ path: "targets", expected: ["plantao"], actual: ["equipe", "plantao", "sistema"] }],
  ],
  [
    "an event that is not unrouted",
    { event: synced, expect: "unrouted" },
    [{ path: "targets", expected: [], actual: ["crm"] }],
  ],
  [
    "a target that the config has not",
    { event: synced, expect: { targets: ["crn"] } },
    [{
      path: "targets",
      expected: ["crn"],
      actual: ["crm"],
      problem: 'unknown target "crn"; known targets are "plantao", "equipe", "sistema", "crm", "quebrado", "arquivo";' +
        ' did you mean "crm"?',
    }],
  ],
  [
    "another text, and a field that is not sent",
    { event: failed, expect: { messages: { plantao: { text: "Nota N2", blocks: [] } } } },
    [
      { path: "messages.plantao.text", expected: "Nota N2", actual: "Nota N1: <b>" },
      { path: "messages.plantao.blocks", expected: [], actual: undefined },
    ],
  ],
  [
    "a message to a target that is sent nothing",
    { event: synced, expect: { messages: { plantao: { text: "x" } } } },
    [{
      path: "messages.plantao",
      expected: { text: "x" },
      actual: undefined,
      problem: 'nothing is sent to "plantao"',
    }],
  ],
  [
    "something else than the event itself, without its secrets",
    { event: synced, expect: { messages: { crm: "as received" } } },
    [{ path: "messages.crm", expected: "as received", actual: { body: { note: "N1", key: "[secret]" } } }],
  ],
  [
    "another secret",
    { event: synced, expect: { messages: { crm: { body: { note: "N1", key: "tok_of_last_year" } } } } },
    [{
      path: "messages.crm.body",
      expected: { note: "N1", key: "tok_of_last_year" },
      actual: { note: "N1", key: "[secret]" },
    }],
  ],
];

for (const [what, fixture, differences] of failing) {
  test(`testFixture() fails ${what}`, () => {
    const said = run(fixture).differences.map((one) => one.problem ? { ...one, problem: String(one.problem) } : one);
    assert.deepEqual(said, differences);
  });
}

test("testFixture() fails a message that cannot be made, even if nothing is said of it", () => {
  const [difference, ...others] =
    run({ event: { event: "note.broken", data: {} }, expect: { targets: ["quebrado"] } }).differences;
  assert.deepEqual(others, []);
  assert.equal(difference!.path, "messages.quebrado");
  assert.match(String(difference!.problem), /^Cannot make the body: its function threw/);
});

test("testFixture() tells of a `when` that throws, which is no match", () => {
  const { differences, problems } = run({ event: { event: "note.threw", data: {} }, expect: "unrouted" });
  assert.deepEqual(differences, []);
  assert.match(String(problems[0]), /^routes\[4\]\.when threw: /);
});

test("testFixture() takes a fixture's `receivedAt`, or always the same one, for the time of an event without its own", () => {
  const subject = (fixture: Partial<Fixture>) => {
    const messages = { equipe: { text: "?" } };
    return String(run({ event: failed, expect: { messages }, ...fixture }).differences[0]!.actual).match(
      /Quando: (.*)/,
    )![1];
  };
  assert.equal(subject({}), "qua., 31 de dez. de 2025, 21:00 (GMT-3)");
  assert.equal(subject({ receivedAt: "2026-11-24T12:00:00+02:00" }), "ter., 24 de nov. de 2026, 07:00 (GMT-3)");
  const event = { ...failed, timestamp: "2024-02-14T18:25:43Z" };
  assert.equal(subject({ event, receivedAt: "2026-11-24T12:00:00Z" }), "qua., 14 de fev. de 2024, 15:25 (GMT-3)");
});

test("testFixture() leaves a fixture as it is, whatever the config's functions do to the event", () => {
  const event = { event: "x", data: { list: [1] } };
  const when = (payload: unknown) => (payload as typeof event).data.list.pop() === 1;
  const routes = { targets: table.targets, routes: [{ on: ["x"], to: ["arquivo"], when, message: {} }] };
  for (const _ of [1, 2]) {
    assert.deepEqual(testFixture({ event, expect: { targets: ["arquivo"] } }, routes, redact).differences, []);
  }
});

test("unhit() gives the routes that no fixture matches, and whether none is left to the fallback", () => {
  const tested = [run({ event: failed, expect: "unrouted" }), run({ event: synced, expect: "unrouted" })];
  assert.deepEqual(unhit(tested, table), { routes: [3, 4, 5], fallback: false });
  assert.deepEqual(unhit(tested, { ...table, fallback: "arquivo" }), { routes: [3, 4, 5], fallback: true });
  const left = testFixture({ event: { event: "x" }, expect: "unrouted" }, { ...table, fallback: "arquivo" }, redact);
  assert.equal(unhit([left], { ...table, fallback: "arquivo" }).fallback, false);
});

test("readFixtures() reads one fixture or a list", () => {
  const one = { event: failed, expect: "unrouted" };
  assert.deepEqual(readFixtures(one), { fixtures: [one], issues: [] });
  assert.deepEqual(readFixtures([one, { ...one, name: "two" }]).fixtures.map(({ name }) => name), [undefined, "two"]);
  assert.deepEqual(readFixtures([]), { fixtures: [], issues: [] });
});

const mistakes: [fixture: unknown, path: string, message: RegExp][] = [
  [3, "", /^expected an object, got 3$/],
  [{ expect: "unrouted" }, "event", /^is missing; expected the payload/],
  [{ event: { data: {} }, expect: "unrouted" }, "event", /a text "event", got an object/],
  [{ event: [], expect: "unrouted" }, "event", /got an empty list/],
  [{ event: failed }, "expect", /^is missing; expected \{ "targets": /],
  [{ event: failed, expect: "unruted" }, "expect", /or "unrouted", got "unruted"/],
  [{ event: failed, expect: {} }, "expect", /expected "targets", "messages", or both/],
  [{ event: failed, expect: { targets: [] } }, "expect.targets", /"expect": "unrouted"/],
  [{ event: failed, expect: { targets: [""] } }, "expect.targets[0]", /not empty/],
  [
    { event: failed, expect: { target: ["a"], messages: {} } },
    "expect",
    /unknown option "target".*did you mean "targets"/,
  ],
  [{ event: failed, expect: { messages: { a: "received" } } }, "expect.messages.a", /or "as received", got "received"/],
  [{ event: failed, expect: "unrouted", receivedAt: "today" }, "receivedAt", /expected a time such as/],
  [{ event: failed, expect: "unrouted", nmae: "x" }, "", /unknown option "nmae".*did you mean "name"/],
];

for (const [fixture, path, message] of mistakes) {
  test(`readFixtures() refuses ${JSON.stringify(fixture)}`, () => {
    const { fixtures, issues } = readFixtures(fixture);
    assert.deepEqual([fixtures, issues.map((issue) => issue.path)], [[], [path]]);
    assert.match(inEnglish(issues[0]!.message), message);
  });
}

test("readFixtures() tells every mistake of a list with its place", () => {
  const { issues } = readFixtures([{ event: failed, expect: "unrouted" }, 3, { event: 1, expect: { targets: [1] } }]);
  assert.deepEqual(issues.map(({ path }) => path), ["[1]", "[2].event", "[2].expect.targets[0]"]);
});

const stored = (body: string): ReadableEvent =>
  readable({
    id: "01900000-0000-7000-8000-000000000000",
    source: "connectvets",
    type: JSON.parse(body).event,
    receivedAt: Date.UTC(2026, 10, 24),
    body: Buffer.from(body),
    headers: {},
  }, []);

const bodies: [what: string, body: string][] = [
  ["an event", JSON.stringify(failed)],
  ["an event that is written in another way", JSON.stringify(failed, null, 4)],
  ["an event with a secret of the config", `{"event":"note.failed","data":{"note_id":"${SECRET}","external_id":1}}`],
  ["an event whose message has a secret", JSON.stringify(synced)],
  [
    "an event with keys that objects have",
    '{"event":"note.failed","__proto__":{"external_id":1},"data":{"toString":1}}',
  ],
  ["an event that is unrouted", '{"event":"other"}'],
];

for (const [what, body] of bodies) {
  test(`recordFixture() makes a fixture of ${what}, which passes and holds no secret`, () => {
    const text = JSON.stringify(recordFixture(stored(body), table, redact).fixture);
    const { fixtures: [fixture], issues } = readFixtures(JSON.parse(text));
    assert.deepEqual(issues, []);
    assert.deepEqual(run(fixture!).differences, []);
    for (const secret of [SECRET, TOKEN]) assert.ok(!text.includes(secret), text);
  });
}

test("recordFixture() says all that comes of the event", () => {
  const { fixture, problems } = recordFixture(stored(JSON.stringify(failed)), table, redact);
  assert.deepEqual(problems, []);
  assert.equal(fixture.name, "note.failed of 2026-11-24T00:00:00.000Z");
  assert.equal(fixture.source, "connectvets");
  assert.ok(typeof fixture.expect === "object");
  assert.deepEqual(fixture.expect.targets, ["plantao", "equipe", "sistema"]);
  assert.deepEqual(Object.keys(fixture.expect.messages!), ["plantao", "equipe", "sistema"]);
  assert.equal(fixture.expect.messages!.sistema, "as received");
});

test("recordFixture() says what it does not hold", () => {
  const masked = recordFixture(stored(`{"event":"other","data":"${SECRET}"}`), table, redact);
  assert.deepEqual(masked.problems.map(String), [
    "The event contains a secret of this config; the fixture contains a mask instead",
  ]);
  const broken = recordFixture(stored('{"event":"note.broken","data":{}}'), table, redact);
  assert.match(String(broken.problems[0]), /^quebrado: Cannot make the body/);
  assert.deepEqual(broken.fixture.expect, { targets: ["quebrado"], messages: {} });
});
