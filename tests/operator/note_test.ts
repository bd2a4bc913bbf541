/** Notes in full in fixtures and previews: what a message is made of them, without the API. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectvets, connectvetsApi, defineConfig, http, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { noteOf } from "../../lib/connectvets/note.ts";
import { Told } from "../../lib/locale/told.ts";
import { readFixtures, recordFixture, testFixture } from "../../lib/operator/fixture.ts";
import { incoming, preview } from "../../lib/operator/preview.ts";
import { shownNote } from "../../lib/operator/payload.ts";
import { redactor } from "../../lib/secret.ts";
import { connectvetsSource } from "../../lib/sources/connectvets.ts";
import { readable } from "../../lib/sources/view.ts";
import { problemOf } from "../helpers/issues.ts";

const KEY = "cvn_live_0123456789";

const { config, secrets } = readConfig(
  defineConfig({
    sources: { connectvets: connectvets({ path: "/webhook", secret: "whs_0123456789abcdef" }) },
    targets: {
      chat: slack({ url: "http://127.0.0.1:9/slack" }),
      crm: http({ url: "http://127.0.0.1:9/crm", body: (e) => e }),
    },
    routes: [
      { on: "note.completed", to: "chat", enrich: connectvetsApi({ key: KEY }), text: (e) => `<${e.note.name}>` },
      {
        on: "note.failed",
        to: "chat",
        enrich: connectvetsApi({ key: KEY, optional: true }),
        text: (e) => e.note?.name ?? "nobody",
        when: (e) => !("note" in e),
      },
      { on: "note.*", to: "crm" },
    ],
  }),
  "/",
);
const table = config!;
const redact = redactor(secrets);
const note = { id: "N1", name: "Rex & Max", note_sections: [] };
const completed = { event: "note.completed", data: { note_id: "N1" } };
const failed = { event: "note.failed", data: { note_id: "N1" } };

const differencesOf = (fixture: object) => {
  const { fixtures, issues } = readFixtures(fixture);
  assert.deepEqual(issues, []);
  return testFixture(fixtures[0]!, table, redact).differences;
};

test("testFixture() makes a message of the fixture's note, escaped as all of an event, for targets that ask for one", () => {
  const messages = { chat: { text: "<Rex &amp; Max>" }, crm: { body: completed } };
  assert.deepEqual(differencesOf({ event: completed, note, expect: { messages } }), []);
});

test("testFixture() says that a note is missing which a message needs, and does without one that is optional", () => {
  const [difference, ...more] = differencesOf({ event: completed, expect: { targets: ["chat", "crm"] } });
  assert.deepEqual([difference!.path, more], ["messages.chat", []]);
  assert.match(String(difference!.problem), /needs the whole note/);
  assert.deepEqual(differencesOf({ event: failed, expect: { messages: { chat: { text: "nobody" } } } }), []);
  assert.deepEqual(
    differencesOf({ event: failed, note, expect: { messages: { chat: { text: "Rex &amp; Max" } } } }),
    [],
  );
});

test("readFixtures() takes a note that is an object, and nothing else", () => {
  const { issues } = readFixtures({ event: completed, note: "Rex", expect: "unrouted" });
  assert.match(
    issues.map(problemOf).join(),
    /^note: expected the note .*got "Rex"$/,
  );
});

test("recordFixture() records the note that is kept with an event, so that the fixture passes", () => {
  const body = new TextEncoder().encode(JSON.stringify(completed));
  const stored = { id: "", source: "connectvets", type: "note.completed", receivedAt: 0, body, headers: {} };
  const { fixture, problems } = recordFixture(
    readable({ ...stored, note: noteOf({ ...note, key: KEY }) }, []),
    table,
    redact,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(fixture.event, completed);
  assert.equal((fixture.note as { key: string }).key, "[secret]");
  assert.deepEqual(testFixture(fixture, table, redact).differences, []);
});

test("preview() takes a note beside the event and data of what it is given", () => {
  const payload = { ...completed, note };
  const source = connectvetsSource.build("connectvets", { path: "/w", secret: ["s"] });
  const event = incoming(source, "", 0, new TextEncoder().encode(JSON.stringify(payload)));
  assert.ok(!("problem" in event));
  const [chat] = preview(event, table).messages;
  assert.deepEqual(chat, { target: "chat", message: { text: "<Rex &amp; Max>" } });
});

test("shownNote() gives what is kept as JSON, its numbers as they were written", () => {
  assert.equal(shownNote(undefined), null);
  const data = new TextEncoder().encode('{"weight":1.50}');
  assert.equal(
    JSON.stringify(shownNote({ at: 0, data })),
    '{"at":"1970-01-01T00:00:00.000Z","data":{"weight":1.50},"problem":null}',
  );
  assert.deepEqual(shownNote({ at: 0, problem: Told.of("x") }), {
    at: "1970-01-01T00:00:00.000Z",
    data: null,
    problem: Told.of("x"),
  });
});
