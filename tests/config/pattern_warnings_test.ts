/** Warnings of patterns that match no event of ConnectVets. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectvets, hmac, http, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { toldIn } from "../../lib/warnings.ts";

const secret = "whs_0123456789abcdef";

/** The warnings of a config with these routes and alerts, behind the path that each is about. */
function warningsOf(on: string[], silent = "**", source: object = connectvets({ path: "/w", secret })): string[] {
  const { warnings, issues } = readConfig({
    sources: { one: source },
    targets: { crm: http({ url: "http://127.0.0.1/" }) },
    routes: [{ on, to: "crm" }],
    alerts: [{ when: { silent, for: "6h" }, to: "crm" }],
  }, "/");
  assert.deepEqual(issues, []);
  return toldIn("en", warnings).map(({ path, message }) => `${path}: ${message}`);
}

test("readConfig() warns of a pattern that is close to an event of ConnectVets, and names it", () => {
  const rows = [
    ["note.faild", "note.failed"],
    ["Note.Failed", "note.failed"],
    ["note_completed", "note.completed"],
    ["notes.*", "note.*"],
    ["failed", "note.failed"],
    ["transcription.completed", "note.transcription.completed"],
    ["note", "note.*"],
    ["note.transcription", "note.transcription.*"],
  ] as const;
  for (const [pattern, near] of rows) {
    const told = `"${pattern}" matches no event of ConnectVets; did you mean "${near}"?`;
    assert.deepEqual(warningsOf(["**", pattern]), [`routes[0].on[1]: ${told}`]);
    assert.deepEqual(warningsOf(["**"], pattern), [`alerts[0].when.silent: ${told}`]);
  }
});

test("readConfig() says nothing of events, of patterns that match some, and of those of other senders", () => {
  for (
    const pattern of ["note.failed", "test", "note.*", "note.**", "*.failed", "**", "invoice.paid", "note.deleted"]
  ) {
    assert.deepEqual(warningsOf([pattern]), [], pattern);
  }
});

test("readConfig() warns of a single star where ConnectVets is a sender, for its names have dots", () => {
  const told = '"*" matches only names without a dot, so no event about a note; "**" matches every event';
  assert.deepEqual(warningsOf(["*"]), [`routes[0].on: ${told}`]);
  assert.deepEqual(warningsOf(["*"], "**", hmac({ path: "/w", secret, header: "X-Signature" })), []);
});

test("readConfig() warns of what quiet hours except that is close to an event of ConnectVets", () => {
  const quiet = { from: "20:00", to: "07:00", except: ["note.failed", "note.faild"] };
  const { warnings } = readConfig({
    sources: { one: connectvets({ path: "/w", secret }) },
    targets: { chat: slack({ url: "https://hooks.slack.example/x", quiet }) },
    routes: [{ on: "**", to: "chat" }],
  }, "/");
  assert.deepEqual(toldIn("en", warnings).map(({ path }) => path), ["targets.chat.quiet.except[1]"]);
});
