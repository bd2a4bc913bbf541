/** Templates of WhatsApp: how they are filled in, and what Meta would refuse of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { whatsappCloud } from "../../lib/config/mod.ts";
import type { ReadableEvent } from "../../lib/event.ts";
import { systemEvent } from "../../lib/system_event.ts";
import { whatsappTarget } from "../../lib/targets/whatsapp.ts";
import { attempt } from "../helpers/attempt.ts";
import { makeDelivery, makeEvent, makeTarget, never } from "../helpers/target.ts";
import {
  CLOUD_TOKEN,
  type CloudTemplate,
  PHONE_NUMBER_ID,
  startWhatsappCloud,
} from "../helpers/vendors/whatsapp_cloud.ts";
import { reasonOf } from "./contract.ts";

const base = { name: "nota_falhou", language: "pt_BR" };

/** Makes one attempt with a template, and gives the outcome with what arrived. */
async function send(template: object, known: Partial<CloudTemplate> = {}, event?: ReadableEvent, options: object = {}) {
  const server = await startWhatsappCloud({ templates: [{ ...base, parameters: 0, ...known }] });
  try {
    const via = whatsappCloud({ phoneNumberId: PHONE_NUMBER_ID, token: CLOUD_TOKEN, baseUrl: server.url });
    const target = makeTarget(whatsappTarget, {
      via,
      to: "+5531999998888",
      template: { ...base, ...template },
      ...options,
    });
    const outcome = await attempt(target.recipients![0]!, () => makeDelivery(event), never);
    return { outcome, server, message: server.taken[0], sent: server.taken[0]?.template, target };
  } finally {
    await server.close();
  }
}

const bodyTexts = (sent: Awaited<ReturnType<typeof send>>["sent"]) =>
  sent?.components?.find(({ type }) => type === "body")?.parameters.map(({ text }) => text);

test("deliver() sends a template without parameters", async () => {
  const { outcome, sent } = await send({});
  assert.equal(outcome?.kind, "delivered");
  assert.deepEqual(sent, { name: "nota_falhou", language: { code: "pt_BR" } });
});

test("deliver() fills in parameters by position, texts and numbers", async () => {
  const parameters = (e: { data: { note_id: string } }) => [e.data.note_id, 7];
  const { sent } = await send({ parameters }, { parameters: 2 });
  assert.deepEqual(sent?.components, [{
    type: "body",
    parameters: [{ type: "text", text: "nota-42" }, { type: "text", text: "7" }],
  }]);
});

test("deliver() fills in parameters by name", async () => {
  const parameters = (e: { data: { note_id: string } }) => ({ nota: e.data.note_id, vez: 2 });
  const { outcome, sent } = await send({ parameters }, { parameters: ["nota", "vez"] });
  assert.equal(outcome?.kind, "delivered");
  assert.deepEqual(sent?.components?.[0]?.parameters, [
    { type: "text", parameter_name: "nota", text: "nota-42" },
    { type: "text", parameter_name: "vez", text: "2" },
  ]);
});

test("deliver() fills in values and functions beside each other", async () => {
  const { sent } = await send({ parameters: ["Rex", (e: { event: string }) => e.event] }, { parameters: 2 });
  assert.deepEqual(bodyTexts(sent), ["Rex", "note.failed"]);
});

test("deliver() cleans parameters of what Meta refuses", async () => {
  const parameters = ["a\nb\tc      d\r\n\r\ne", "  ", "", "\u0000x\u0085y"];
  const { outcome, sent } = await send({ parameters }, { parameters: 4 });
  assert.equal(outcome?.kind, "delivered");
  assert.deepEqual(bodyTexts(sent), ["a b c d e", "-", "-", "x y"]);
});

test("deliver() cuts the longest parameters, so that the body is not too long", async () => {
  const { outcome, sent } = await send({ parameters: ["x".repeat(2_000), "Rex", "y".repeat(900)] }, {
    parameters: 3,
    length: 256,
  });
  assert.equal(outcome?.kind, "delivered");
  const [long, short, other] = bodyTexts(sent)!;
  assert.match(long!, /^x+…$/);
  assert.equal(short, "Rex");
  assert.equal(long!.length, other!.length);
});

test("deliver() lets no mark in data format anything in the body", async () => {
  const event = makeEvent({ event: "note.failed", data: { note_id: "*a*", external_id: "CLIENTE_123" } });
  const parameters = (e: { data: { note_id: string; external_id: string } }) => [e.data.note_id, e.data.external_id];
  const { sent } = await send({ parameters }, { parameters: 2 }, event);
  assert.deepEqual(bodyTexts(sent), ["\u200b*\u200ba\u200b*\u200b", "CLIENTE_123"]);
});

test("deliver() fills in a header and buttons, with data as it came", async () => {
  const event = makeEvent({ event: "note.failed", data: { note_id: "_x_" } });
  type Note = { data: { note_id: string } };
  const { outcome, sent } = await send(
    {
      header: "h".repeat(70),
      buttons: [{ url: (e: Note) => e.data.note_id }, { payload: "PARAR" }, { index: 4, url: 5 }],
    },
    {},
    event,
  );
  assert.equal(outcome?.kind, "delivered");
  assert.deepEqual(sent?.components, [
    { type: "header", parameters: [{ type: "text", text: `${"h".repeat(59)}…` }] },
    { type: "button", index: "0", sub_type: "url", parameters: [{ type: "text", text: "_x_" }] },
    { type: "button", index: "1", sub_type: "quick_reply", parameters: [{ type: "payload", payload: "PARAR" }] },
    { type: "button", index: "4", sub_type: "url", parameters: [{ type: "text", text: "5" }] },
  ]);
});

test("deliver() names the parameter of a header that has a name", async () => {
  const { sent } = await send({ header: { paciente: "Rex" } });
  assert.deepEqual(sent?.components?.[0]?.parameters, [{ type: "text", parameter_name: "paciente", text: "Rex" }]);
});

const boom = () => {
  throw new Error("sem texto");
};
const invalid: [name: string, template: object, detail: RegExp][] = [
  [
    "parameters that are a text",
    { parameters: () => "x" },
    /template\.parameters: expected a list or an object, got a text$/,
  ],
  [
    "parameters that are absent",
    { parameters: () => undefined },
    /template\.parameters: its function returns undefined$/,
  ],
  ["parameters that throw", { parameters: boom }, /template\.parameters: its function threw: sem texto$/],
  [
    "parameters that are a promise",
    { parameters: async () => [] },
    /template\.parameters: its function returns a promise/,
  ],
  [
    "a parameter that is null",
    { parameters: () => [null] },
    /template\.parameters\[0\]: expected a text or a number, got null$/,
  ],
  [
    "a parameter that is absent",
    { parameters: () => ["a", undefined] },
    /template\.parameters\[1\]: .* got undefined$/,
  ],
  [
    "a parameter that is not a number",
    { parameters: () => [NaN] },
    /template\.parameters\[0\]: expected a text or a number/,
  ],
  [
    "a named parameter that is a list",
    { parameters: () => ({ nota: [] }) },
    /template\.parameters\.nota: .* got a list$/,
  ],
  [
    "a header that is an object",
    { header: () => ({}) },
    /template\.header: expected a text or a number, got an object$/,
  ],
  ["a button that is true", { buttons: [{ url: () => true }] }, /template\.buttons\[0\]\.url: .* got a boolean$/],
];
for (const [name, template, detail] of invalid) {
  test(`deliver() is dead and sends nothing for ${name}`, async () => {
    const { outcome, server } = await send(template);
    assert.deepEqual([outcome?.kind, reasonOf(outcome), server.sink.requests.length], ["dead", "message_invalid", 0]);
    assert.ok(outcome?.kind === "dead");
    assert.match(String(outcome.detail), detail);
  });
}

test("deliver() says what is wrong with a template that the account does not have", async () => {
  const { outcome } = await send({ name: "nota_falou" });
  assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["dead", "template_wrong"]);
  assert.ok(outcome?.kind === "dead");
  assert.match(
    String(outcome.detail),
    /^Error 132001 \(WhatsApp\): template name \(nota_falou\) does not exist in pt_BR$/,
  );
});

/** A system event as the relay would deliver it. */
function system(type: "relay.test" | "relay.alarm.end"): ReadableEvent {
  const data = type === "relay.test"
    ? { target: "whats" }
    : { alarm: "dead", limit: 1, since: "2024-02-14T18:25:43.000Z" };
  const { body } = systemEvent(type, ["whats"], data as never, Date.UTC(2024, 1, 14));
  return makeEvent({ event: type }, { source: "relay", type, body });
}

test("deliver() fills the template in with a sample for a test message, even one of another event", async () => {
  const parameters = (e: { data: { note_id?: string } }) => [e.data.note_id];
  const { outcome, sent } = await send({ parameters }, { parameters: 1 }, system("relay.test"), { text: "Olá" });
  assert.equal(outcome?.kind, "delivered");
  assert.match(String(bodyTexts(sent)), /^[\da-f-]{36}$/);

  const named = (e: { data: { name?: string; error: { code: string } } }) => [e.data.name, e.data.error.code];
  const { sent: other } = await send({ parameters: named }, { parameters: 2 }, system("relay.test"));
  assert.deepEqual(bodyTexts(other), ["Rex", "AUDIO_QUALITY_LOW"]);
});

test("deliver() says why no sample fits the template", async () => {
  const { outcome } = await send({ parameters: boom }, {}, system("relay.test"));
  assert.deepEqual([outcome?.kind, reasonOf(outcome)], ["dead", "message_invalid"]);
});

test("deliver() sends alarms as text, and calls no function for them", async () => {
  const { outcome, message } = await send({ parameters: boom }, {}, system("relay.alarm.end"), { text: boom });
  assert.equal(outcome?.kind, "delivered");
  assert.match(String(message?.text?.body), /^🟢 \*/u);
});

test("render() gives the template without the recipient, or the text that goes before it", async () => {
  const { target } = await send({ parameters: ["Rex"] });
  assert.deepEqual(target.render(makeEvent(), {}), {
    template: {
      name: "nota_falhou",
      language: { code: "pt_BR" },
      components: [{ type: "body", parameters: [{ type: "text", text: "Rex" }] }],
    },
  });
  assert.deepEqual(target.render(makeEvent(), { text: "rota" }), { text: "rota" });
});
