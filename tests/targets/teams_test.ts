/** The teams target, against a server that takes what a workflow of Teams takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { locales } from "../../lib/locale/mod.ts";
import { escapeTeams } from "../../lib/messages/teams_card.ts";
import { teamsTarget } from "../../lib/targets/teams.ts";
import { type ChatSetup, send, show } from "../helpers/chat.ts";
import { makeDelivery, makeEvent, makeTarget } from "../helpers/target.ts";
import { PATH, startTeams, teamsError } from "../helpers/vendors/teams.ts";
import { testChat } from "./chat_contract.ts";

const chat: ChatSetup = {
  kind: "teams",
  target: teamsTarget,
  start: startTeams,
  options: (origin) => ({ url: origin + PATH }),
  secrets: ["s3cr3t-T0KEN_sig", "8f3bd9f1c4f94b0f8ad4cd5b1e2b6c77"],
  size: [({ body }) => body.byteLength, 21_000],
  hostile:
    "*a* _b_ **c** __d__ [e](https://e.example) \\*f* &lt;g&gt; <at>h</at> {{DATE(2024-02-14T18:25:43Z, SHORT)}} CLIENTE_123 - i # j",
  bold: ["**", "bold"],
  isTakenByStatus: true,
  limited: [
    { ...teamsError(429, "TooManyRequests", "Rate limit is exceeded."), headers: { "Retry-After": "3" } },
    3_000,
    { status: 429 },
  ],
  failing: teamsError(502, "NoResponse", "The server did not receive a response from an upstream server."),
  permanent: [
    [
      teamsError(400, "WorkflowTriggerIsNotEnabled", "Could not execute workflow … with state 'Deleted'."),
      "token_refused",
    ],
    [teamsError(401, "DirectApiInvalidAuthorizationScheme", "The request has SAS authentication …"), "token_refused"],
    [teamsError(401, "SomethingElse", "…"), "token_refused"],
    [{ status: 403 }, "token_refused"],
    [teamsError(404, "WorkflowNotFound", "The workflow could not be found."), "token_refused"],
    [{ status: 410, body: "Gone" }, "token_refused"],
    [{ status: 413 }, "message_invalid"],
    [teamsError(400, "TriggerInputSchemaMismatch", "The input body did not match."), "message_invalid"],
    [teamsError(400, "BadRequest", "…"), "refused"],
  ],
  inside: [
    {
      status: 200,
      body:
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId …",
    },
    "retry",
    "rate_limited",
  ],
};

testChat(chat);

test("deliver() takes a 200 of a workflow that has an answer of its own for taken", async () => {
  for (const answer of [{ status: 200, body: "1" }, { status: 200 }, { status: 200, body: { event: "note.failed" } }]) {
    assert.equal((await send(chat, {}, makeDelivery(), answer)).outcome.kind, "delivered");
  }
});

test("deliver() links to the event's page", async () => {
  const context = { pagesUrl: "https://relay.example" };
  const target = makeTarget(teamsTarget, { url: `https://x.example${PATH}` }, context);
  const [{ content }] = target.render(makeEvent(), {}).attachments as [{ content: { actions: unknown } }];
  const url = `https://relay.example/events/${makeEvent().id}`;
  assert.deepEqual(content.actions, [{ type: "Action.OpenUrl", title: "Ver o evento no relay", url }]);
});

test("deliver() shows each line of the config's text on its own", async () => {
  const { text } = await show(chat, { text: "um\ndois\n\ntrês\n- a\n- b" });
  assert.equal(text, "um\n\ndois\n\ntrês\na\nb");
});

test("render() keeps title and origin, and leaves lines out from below", () => {
  const text = "linha de texto\n".repeat(5_000);
  const data = { note_id: "n1", error: { message: text } };
  const note = { note_sections: Array.from({ length: 20 }, () => ({ title: "Seção", content: text, order: "1" })) };
  const event = makeEvent({ event: "note.failed", data }, { note: note as never });
  const target = makeTarget(teamsTarget, { url: `https://x.example${PATH}`, includeNoteText: true });
  const message = target.render(event, {});
  assert.ok(JSON.stringify(message).length <= 21_000);
  const [{ content }] = message.attachments as [{ content: { body: { inlines: { text: string }[] }[] } }];
  const lines = content.body.map(({ inlines }) => inlines.map((run) => run.text).join(""));
  assert.equal(lines[0], "🔴 Falha na nota: n1");
  assert.match(lines.at(-1)!, /^Enviado automaticamente pelo relay/);
  assert.ok(lines.length > 50);
});

test("escapeTeams() leaves dates, references and amounts as they are", () => {
  for (const same of ["2024-02-14T18:25:43.000Z", "consulta-7", "-5", "#5", "1.5 kg", "(x)", "{x}", "a > b"]) {
    assert.equal(escapeTeams(same), same);
  }
});

test("build() warns of a connector that Microsoft has retired", () => {
  const warnings = (host: string) =>
    makeTarget(teamsTarget, { url: `https://${host}/webhookb2/x` }).warnings.map((say) => say(locales.en.warnings));
  assert.match(warnings("clinica.webhook.office.com").join(), /Office 365 connector.*retired in May 2026/);
  assert.deepEqual(warnings("prod-01.brazilsouth.logic.azure.com"), []);
});
