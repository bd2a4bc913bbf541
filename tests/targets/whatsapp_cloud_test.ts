/** WhatsApp by Meta's Cloud API, against a server that answers as Meta documents: request, window, errors, masking. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { whatsappCloud } from "../../lib/config/mod.ts";
import { localeNames } from "../../lib/locale/mod.ts";
import type { Outcome } from "../../lib/outcome.ts";
import type { Delivery, Target } from "../../lib/targets/target.ts";
import { whatsappTarget } from "../../lib/targets/whatsapp.ts";
import { attempt } from "../helpers/attempt.ts";
import { type Respond, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeEvent, makeTarget, never } from "../helpers/target.ts";
import {
  CLOUD_TOKEN,
  type CloudError,
  type CloudServer,
  PHONE_NUMBER_ID,
  startWhatsappCloud,
} from "../helpers/vendors/whatsapp_cloud.ts";
import { reasonOf, startTcp, testContract } from "./contract.ts";

const NUMBER = "+5531999998888";

const template = {
  name: "nota_falhou",
  language: "pt_BR",
  parameters: (e: { data: { note_id: string } }) => [e.data.note_id],
};
const templates = [{ name: "nota_falhou", language: "pt_BR", parameters: 1 }];

function make(baseUrl: string, options: object = {}): Target {
  const via = whatsappCloud({ phoneNumberId: PHONE_NUMBER_ID, token: CLOUD_TOKEN, baseUrl });
  return makeTarget(whatsappTarget, { via, to: NUMBER, ...options });
}

const against = (respond: Respond) => async (options: object) => {
  const sink = await startSink(respond);
  return { target: make(sink.url, options).recipients![0]!, close: sink.close };
};

const meta = (parts: Partial<CloudServer> = {}) => async (options: object) => {
  const server = await startWhatsappCloud(parts);
  return { target: make(server.url, options).recipients![0]!, close: server.close };
};

testContract("whatsapp by whatsappCloud()", {
  good: meta(),
  failing: meta({ failures: [{ code: 131000, status: 500 }] }),
  refusing: meta({ failures: [{ code: 131026, details: "Message undeliverable" }] }),
  hanging: against(() => {}),
  at: (authority, options) => make(`http://${authority}`, options).recipients![0]!,
  hostile: {
    "a page instead of Meta's answer": {
      make: against(status(200, "<html>Sign in to this network</html>")),
      kind: "retry",
      reason: "unexpected_answer",
    },
    "an answer that names no message": {
      make: against(status(200, '{"messaging_product":"whatsapp","messages":[]}')),
      kind: "retry",
      reason: "unexpected_answer",
    },
    "an error that is only a text": { make: against(status(502, '{"error":"Bad Gateway"}')), kind: "retry" },
    "an answer that holds the token": {
      make: against(status(401, `{"error":{"code":190,"message":"Bad token ${CLOUD_TOKEN}"}}`)),
      kind: "dead",
      reason: "token_refused",
    },
    "a connection that is cut": {
      make: async (options) => {
        const { authority, close } = await startTcp((socket) => socket.once("data", () => socket.destroy()));
        return { target: make(`http://${authority}`, options).recipients![0]!, close };
      },
      kind: "retry",
      reason: "connection_reset",
    },
  },
  secrets: [CLOUD_TOKEN],
});

/** Makes one attempt for each recipient, and gives the outcomes with the server. */
async function send(
  options: object = {},
  delivery: Partial<Delivery> = {},
  parts: Partial<CloudServer> = {},
): Promise<{ outcome: Outcome; outcomes: Outcome[]; server: CloudServer; requests: Record<string, unknown>[] }> {
  const server = await startWhatsappCloud({ templates, ...parts });
  try {
    const outcomes: Outcome[] = [];
    for (const one of make(server.url, options).recipients!) {
      outcomes.push((await attempt(one, () => makeDelivery(delivery.event, delivery), never))!);
    }
    const requests = server.sink.requests.map(({ body }) => JSON.parse(body.toString()));
    return { outcome: outcomes[0]!, outcomes, server, requests };
  } finally {
    await server.close();
  }
}

test("deliver() posts a text, addressed in digits, with the delivery's id", async () => {
  const { outcome, server, requests } = await send({ text: "Olá" });
  assert.equal(outcome.kind, "delivered");
  assert.equal(server.sink.requests[0]?.path, `/v25.0/${PHONE_NUMBER_ID}/messages`);
  assert.deepEqual(requests, [{
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: "5531999998888",
    type: "text",
    text: { body: "Olá", preview_url: false },
    biz_opaque_callback_data: makeDelivery().id,
  }]);
});

test("deliver() takes an id of a message that no store can keep for none", async () => {
  const answer = (id: string) => JSON.stringify({ messages: [{ id }] });
  for (const [id, kept] of [["wamid.A", "wamid.A"], ["x".repeat(8_000), undefined], ["a\0b", undefined]] as const) {
    const { target, close } = await against(status(200, answer(id)))({ text: "Olá" });
    try {
      const outcome = await attempt(target, () => makeDelivery(), never);
      assert.deepEqual([outcome!.kind, (outcome as { message?: string }).message], ["delivered", kept]);
    } finally {
      await close();
    }
  }
});

test("deliver() shows no recipient of the target whole, whoever an answer names", async () => {
  const details = "Message undeliverable to +5521988887777";
  const to = [NUMBER, "+5521988887777"];
  const { outcomes } = await send({ text: "Olá", to }, {}, { failures: [{ code: 131026, details }] });
  const [first] = outcomes as [Outcome & { detail: unknown }];
  assert.equal(first.kind, "dead");
  for (const text of [String(first.detail), first.answer]) assert.doesNotMatch(text!, /988887777/);
});

test("deliver() addresses a business-scoped id as `recipient`", async () => {
  const { outcome, requests: [request] } = await send({ text: "Olá", to: "BR.13491208655302741918" });
  assert.equal(outcome.kind, "delivered");
  assert.deepEqual([request?.recipient, request?.to], ["BR.13491208655302741918", undefined]);
});

test("deliver() sends a default text with WhatsApp's markup", async () => {
  const { server } = await send();
  assert.match(
    server.taken[0]!.text!.body,
    /^🔴 \*Falha na nota: consulta-7\*\nO ConnectVets não.*\n\*O que fazer:\* /,
  );
});

test("deliver() lets no mark in data format anything, and leaves references as they are", async () => {
  const data = { note_id: "*a* _b_ ~c~ ```d```", external_id: "CLIENTE_123_X" };
  const text = (e: { data: typeof data }) => `*${e.data.external_id}* ${e.data.note_id}`;
  const { server } = await send({ text }, { event: makeEvent({ event: "note.failed", data }) });
  const { body } = server.taken[0]!.text!;
  assert.match(body, /^\*CLIENTE_123_X\* /);
  const marks = body.slice("*CLIENTE_123_X* ".length).matchAll(/(.?)[*_~`](.?)/gu);
  for (const [whole, before, after] of marks) assert.ok([before, after].includes("\u200b"), whole);
  assert.equal(body.replaceAll("\u200b", ""), "*CLIENTE_123_X* *a* _b_ ~c~ ```d```");
});

test("deliver() cuts a text that Meta would refuse, and closes its markup", async () => {
  const { outcome, server } = await send({ text: `*${"x".repeat(4_096)}*` });
  assert.equal(outcome.kind, "delivered");
  assert.match(server.taken[0]!.text!.body, /^\*x+…\*$/);
  assert.equal(server.taken[0]!.text!.body.length, 4_096);
});

test("deliver() prefers the route's text to the target's, and to the template", async () => {
  for (const own of [{ text: "alvo" }, { template }]) {
    const { server } = await send(own, { message: { text: () => "rota" } });
    assert.equal(server.taken[0]?.text?.body, "rota");
  }
});

const closed = new Set(["5531999998888"]);

test("deliver() sends the template in the same attempt where the 24 hours are over", async () => {
  const { outcome, server, requests } = await send({ text: "Olá", template }, {}, { closed });
  assert.equal(outcome.kind, "delivered");
  assert.deepEqual(requests.map(({ type }) => type), ["text", "template"]);
  assert.equal(server.taken[0]!.biz_opaque_callback_data, makeDelivery().id);
});

test("deliver() sends the template at once after a receipt that says that the 24 hours are over", async () => {
  const { requests } = await send({ text: "Olá", template }, { attempt: 2, lastReason: "window_closed" });
  assert.deepEqual(requests.map(({ type }) => type), ["template"]);
});

test("deliver() is dead where the 24 hours are over and there is no template", async () => {
  const { outcome, requests } = await send({ text: "Olá" }, { lastReason: "window_closed" }, { closed });
  assert.deepEqual([outcome.kind, reasonOf(outcome), requests.length], ["dead", "window_closed", 1]);
});

const digest = { every: "15m", text: (events: unknown[]) => `${events.length} falhas` };

test("deliverAll() sends a digest as one text, with the first delivery's id", async () => {
  const server = await startWhatsappCloud({ templates });
  try {
    for (const options of [{ digest }, { digest, template }, { digest: { every: "15m" }, locale: "pt-BR" }]) {
      const { deliverAll } = make(server.url, options).recipients![0]!;
      const outcome = await deliverAll!([makeDelivery(), { ...makeDelivery(), id: "second" }], never);
      assert.equal(outcome.kind, "delivered");
    }
    assert.deepEqual(server.taken.map(({ biz_opaque_callback_data: id }) => id), Array(3).fill(makeDelivery().id));
    const [first, second, third] = server.taken.map(({ text }) => text!.body);
    assert.deepEqual([first, second], ["2 falhas", "2 falhas"]);
    assert.match(third!, /^🔴 \*2 eventos, .*\n2 × Falha na nota\n/);
  } finally {
    await server.close();
  }
});

test("deliverAll() outside the window is tried again, each delivery as the template, unless there is none", async () => {
  const server = await startWhatsappCloud({ closed });
  try {
    for (const [options, kind] of [[{ digest, template }, "retry"], [{ digest }, "dead"]] as const) {
      const { deliverAll, aloneAfter } = make(server.url, options).recipients![0]!;
      const outcome = await deliverAll!([makeDelivery(), makeDelivery()], never);
      assert.deepEqual([outcome.kind, reasonOf(outcome as Outcome)], [kind, "window_closed"]);
      assert.equal(aloneAfter, "template" in options ? "window_closed" : undefined);
    }
  } finally {
    await server.close();
  }
});

test("deliver() tries the pair rate of one recipient alone later, and later each time", async () => {
  const pauses = [];
  for (const attempt of [1, 2, 3]) {
    const { outcome } = await send({ text: "Olá" }, { attempt }, { pairBurst: 0 });
    assert.deepEqual([outcome.kind, reasonOf(outcome), outcome.holds], ["retry", "rate_limited", "recipient"]);
    pauses.push(outcome.pauseMs);
  }
  assert.deepEqual(pauses, [4_000, 16_000, 64_000]);
});

test("deliver() tries an error again that Meta calls transient", async () => {
  const { outcome } = await send({ text: "Olá" }, {}, { failures: [{ code: 131009, is_transient: true }] });
  assert.equal(outcome.kind, "retry");
});

const HOUR = 3_600_000;
type Row = [codes: number[], kind: "retry" | "dead", reason: string, pauseMs?: number];
const rows: Row[] = [
  [[1, 2, 131000, 131016, 133004, 135000], "retry", "server_failed"],
  [[4, 80007], "retry", "rate_limited", 60_000],
  [[130429], "retry", "rate_limited", 10_000],
  [[131048, 131064], "retry", "number_blocked", HOUR],
  [[131057], "retry", "server_failed", HOUR],
  [[132015], "retry", "template_wrong", HOUR],
  [[0, 3, 10, 190, 200, 299, 131005], "dead", "token_refused"],
  [[368, 130497, 131031, 131037, 131042, 131044], "dead", "number_blocked"],
  [[132000, 132001, 132005, 132007, 132008, 132012, 132016, 132018, 132068, 132069], "dead", "template_wrong"],
  [[131047], "dead", "window_closed"],
  [[130472, 131021, 131026, 131030, 131049, 131050, 131062], "dead", "recipient_unreachable"],
  [[33, 100, 131008, 131009, 131045, 131051, 133000, 133010, 133016, 999999], "dead", "refused"],
];
for (const [codes, kind, reason, pauseMs] of rows) {
  test(`deliver() takes ${codes.join(", ")} for ${reason}, whatever the status`, async () => {
    for (const code of codes) {
      for (const errorsIn200 of [false, true]) {
        const failure: CloudError = { code, details: `What ${code} means.` };
        const { outcome } = await send({ text: "Olá" }, {}, { failures: [failure], errorsIn200 });
        assert.deepEqual([outcome.kind, reasonOf(outcome), outcome.pauseMs], [kind, reason, pauseMs], String(code));
        assert.equal(outcome.holds ?? "target", "target");
        assert.ok(outcome.kind !== "delivered");
        assert.equal(outcome.detail.in("en"), `Error ${code} (WhatsApp): What ${code} means`);
      }
    }
  });
}

const repeated = [
  "5531999998888",
  "+5531999998888",
  "553199998888",
  "+55 31 99999-8888",
  "31999998888",
  "(31) 9999-8888",
];

test("deliver() tells no more of a number than its last digits, in whatever form Meta repeats it", async () => {
  for (const to of [NUMBER, "+553199998888"]) {
    for (const form of repeated) {
      const { outcome } = await send({ text: "Olá", to }, {}, {
        failures: [{ code: 131026, details: `No ${form} here` }],
      });
      assert.ok(outcome.kind === "dead");
      for (const locale of localeNames) assert.match(outcome.detail.in(locale), /: No \(?…8888 here$/);
      assert.doesNotMatch(String(outcome.answer), /9999/);
    }
  }
});

test("deliver() tells no more of a recipient whom the message was taken for", async () => {
  const { outcome } = await send({ text: "Olá" });
  assert.match(String(outcome.answer), /"input":"…8888","wa_id":"…8888"/);
  const coded = Buffer.from("5531999998888").toString("base64").slice(0, 12);
  assert.ok(!String(outcome.answer).includes(coded) && /"id":"wamid\.…[\w=+/]{12}"/.test(String(outcome.answer)));
  const { outcome: scoped } = await send({ text: "Olá", to: "BR.13491208655302741918" });
  assert.doesNotMatch(String(scoped.answer), /13491208655302/);
});

test("deliver() tells no part of a number that an answer was cut in", async () => {
  const sink = await startSink(status(400, `${"x".repeat(1_015)} 55319999988881`));
  try {
    const outcome = await attempt(make(sink.url, { text: "Olá" }).recipients![0]!, makeDelivery, never);
    assert.match(String(outcome?.answer), /x …$/);
  } finally {
    await sink.close();
  }
});

test("deliver() sends each recipient its own message", async () => {
  const { outcomes, server } = await send({ text: "Olá", to: [NUMBER, "+5511988887777"] });
  assert.deepEqual(outcomes.map(({ kind }) => kind), ["delivered", "delivered"]);
  assert.deepEqual(server.taken.map(({ to }) => to), ["5531999998888", "5511988887777"]);
});
