/** The slack target: what its messages say, what data in them cannot do, and what it makes of Slack's answers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import { slackTarget } from "../../lib/targets/slack.ts";
import type { Delivery, TargetContext } from "../../lib/targets/target.ts";
import { type Respond, type SinkRequest, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeEvent, makeTarget, never, samplePayload } from "../helpers/target.ts";
import { PATH as TOKEN, startSlack } from "../helpers/vendors/slack.ts";
import { testChat } from "./chat_contract.ts";

testChat({
  kind: "slack",
  target: slackTarget,
  start: startSlack,
  options: (origin) => ({ url: origin + TOKEN }),
  secrets: ["T0TLS", "ESECRETTOKEN"],
  size: [({ body }) => JSON.parse(body.toString()).text.length, 40_000],
  hostile: "<!channel> <@U1> <#C1> <https://x.example|x> &lt;b&gt; &amp; CLIENTE_123",
  limited: [{ status: 429, body: "rate_limited", headers: { "Retry-After": "17" } }, 17_000, { status: 429 }],
  failing: { status: 500, body: "rollup_error" },
  permanent: [
    [{ status: 403, body: "invalid_token" }, "token_refused"],
    [{ status: 404, body: "no_service" }, "token_refused"],
    [{ status: 404, body: "no_team" }, "token_refused"],
    [{ status: 403, body: "team_disabled" }, "token_refused"],
    [{ status: 404, body: "channel_not_found" }, "recipient_unreachable"],
    [{ status: 410, body: "channel_is_archived" }, "recipient_unreachable"],
    [{ status: 400, body: "user_not_found" }, "recipient_unreachable"],
    [{ status: 403, body: "action_prohibited" }, "recipient_unreachable"],
    [{ status: 403, body: "posting_to_general_channel_denied" }, "recipient_unreachable"],
    [{ status: 400, body: "invalid_payload" }, "message_invalid"],
    [{ status: 400, body: "no_text" }, "message_invalid"],
    [{ status: 400, body: "too_many_attachments" }, "message_invalid"],
    [{ status: 400, body: "invalid_blocks" }, "message_invalid"],
    [{ status: 400, body: "something_new" }, "refused"],
    [{ status: 404, body: "<html>Not found</html>" }, "refused"],
    [{ status: 200 }, "unexpected_answer", "retry"],
  ],
  inside: [{ status: 200, body: "no_service" }, "dead", "token_refused"],
});

/** Makes one attempt at an endpoint that answers as Slack does, and gives the outcome with what arrived. */
async function send(
  options: Record<string, unknown> = {},
  delivery: Delivery = makeDelivery(),
  respond: Respond = status(200, "ok"),
): Promise<{ outcome: Outcome | undefined; requests: SinkRequest[]; message?: { text: string; blocks?: unknown } }> {
  const sink = await startSink(respond);
  try {
    const outcome = await attempt(
      makeTarget(slackTarget, { url: sink.url + TOKEN, ...options }),
      () => delivery,
      never,
    );
    const { requests } = sink;
    return { outcome, requests, message: requests[0] && JSON.parse(requests[0].body.toString()) };
  } finally {
    await sink.close();
  }
}

/** The default text for a payload. */
function defaultText(payload: object, options: object = {}, context: Partial<TargetContext> = {}): string {
  const target = makeTarget(slackTarget, { url: "https://hooks.slack.com/services/x", ...options }, context);
  return String(target.render(makeEvent(payload), {}).text);
}

const types = (blocks: unknown) => (blocks as { type: string }[]).map(({ type }) => type);

test("deliver() posts the text and the blocks as JSON", async () => {
  const blocks = [{ type: "divider" }];
  const { requests: [request], message } = await send({ text: "Olá", blocks });
  assert.deepEqual([request?.method, request?.path], ["POST", TOKEN]);
  assert.match(request?.headers["content-type"] ?? "", /^application\/json/);
  assert.deepEqual(message, { text: "Olá", blocks });
});

test("deliver() posts a text alone where there are no blocks", async () => {
  assert.deepEqual((await send({ text: "Olá" })).message, { text: "Olá" });
});

const hostile = { event: "note.failed", data: { note_id: "<!channel>", external_id: "A&B", list: ["<@U1>"] } };

test("deliver() escapes the event that a text function sees, and leaves its own markup", async () => {
  const text = (e: typeof hostile) =>
    `*<https://x.example|Nota>* ${e.data.note_id} ${e.data.external_id} ${e.data.list}`;
  const { message } = await send({ text }, makeDelivery(makeEvent(hostile)));
  assert.equal(message?.text, "*<https://x.example|Nota>* &lt;!channel&gt; A&amp;B &lt;@U1&gt;");
});

test("deliver() escapes the event that a blocks function sees", async () => {
  const blocks = (e: typeof hostile) => [{ type: "section", text: { type: "mrkdwn", text: e.data.note_id } }];
  const { message } = await send({ blocks }, makeDelivery(makeEvent(hostile)));
  assert.deepEqual(message?.blocks, [{ type: "section", text: { type: "mrkdwn", text: "&lt;!channel&gt;" } }]);
});

test("deliver() lets no data of a default text mention a channel", async () => {
  const payload = {
    event: "note.<!here>",
    data: { ...hostile.data, name: "<!everyone>", error: { code: "<!channel>", message: "a & b" } },
  };
  const { message } = await send({}, makeDelivery(makeEvent(payload)));
  assert.doesNotMatch(JSON.stringify(message), /</);
  assert.match(message?.text ?? "", /Motivo informado: a &amp; b \(&lt;!channel&gt;\)/);
});

test("deliver() sends a default message as blocks, with a text for where they cannot be shown", async () => {
  const { message } = await send();
  assert.deepEqual(types(message?.blocks), ["header", "section", "section", "section", "context"]);
  assert.equal(
    message?.text,
    [
      "*Falha na nota: consulta-7*",
      "O ConnectVets não conseguiu processar a nota com a referência consulta-7.",
      "O que fazer: Abra a nota no ConnectVets e processe de novo. Se falhar outra vez, envie outra gravação ou fale com o suporte do ConnectVets.",
      "Referência: consulta-7",
      "Id da nota: nota-42",
      "Quando: qua., 14 de fev. de 2024, 15:25 (GMT-3)",
      `Enviado automaticamente pelo relay. Evento ${makeEvent().id}, note.failed`,
    ].join("\n"),
  );
});

test("render() gives a default text in English and another time zone, by the config or by the target", () => {
  const expected = /^\*Note failed: consulta-7\*\nConnectVets could not.*\nWhen: Wed, Feb 14, 2024, 18:25 \(GMT\)\n/s;
  assert.match(defaultText(samplePayload, { locale: "en", timeZone: "UTC" }), expected);
  assert.match(defaultText(samplePayload, {}, { locale: "en", timeZone: "UTC" }), expected);
});

test("render() gives the config's blocks a default text, and the config's text no blocks", () => {
  const url = "https://hooks.slack.com/services/x";
  const blocks = [{ type: "divider" }];
  const message = makeTarget(slackTarget, { url, blocks }).render(makeEvent(), {});
  assert.deepEqual(message.blocks, blocks);
  assert.match(String(message.text), /^\*Falha na nota: consulta-7\*\n/);
  assert.deepEqual(makeTarget(slackTarget, { url, text: "Olá" }).render(makeEvent(), {}), { text: "Olá" });
});

const boom = () => {
  throw new Error("sem texto");
};
const invalid: { name: string; options: object; detail: RegExp }[] = [
  {
    name: "text that is a number",
    options: { text: () => 42 },
    detail: /text: its function returns a number, not a text$/,
  },
  { name: "text that is null", options: { text: () => null }, detail: /returns null, not a text$/ },
  { name: "text that is empty", options: { text: () => "" }, detail: /returns an empty text$/ },
  { name: "text that is absent", options: { text: () => undefined }, detail: /text: its function returns undefined$/ },
  { name: "text that is a promise", options: { text: async () => "later" }, detail: /returns a promise/ },
  { name: "text that throws", options: { text: boom }, detail: /text: its function threw: sem texto$/ },
  { name: "blocks that throw", options: { blocks: boom }, detail: /blocks: its function threw: sem texto$/ },
  { name: "blocks that are a text", options: { blocks: () => "x" }, detail: /returns a text, not a list$/ },
  { name: "blocks with a BigInt", options: { blocks: () => [1n] }, detail: /cannot be written as JSON/ },
];
for (const { name, options, detail } of invalid) {
  test(`deliver() is dead and sends nothing for ${name}`, async () => {
    const { outcome, requests } = await send({ ...options });
    assert.ok(outcome?.kind === "dead", outcome?.kind);
    assert.equal(outcome.reason, "message_invalid");
    assert.match(String(outcome.detail), detail);
    assert.equal(requests.length, 0);
  });
}

test("deliver() sends as much as Slack takes", async () => {
  const blocks = Array.from({ length: 50 }, (_, i) => ({ type: "divider", block_id: `b${i}` }));
  const { outcome, message } = await send({ text: () => "x".repeat(40_000), blocks: () => blocks });
  assert.equal(outcome?.kind, "delivered");
  assert.ok(message?.text === "x".repeat(40_000), message?.text.slice(-9));
  assert.deepEqual(message?.blocks, blocks);
});

test("deliver() cuts a text that Slack would refuse", async () => {
  const { outcome, message } = await send({ text: () => "x".repeat(40_001) });
  assert.equal(outcome?.kind, "delivered");
  assert.equal(message?.text, `${"x".repeat(39_999)}…`);
});

const cuts = [
  { name: "character", text: `${"x".repeat(39_998)}💛💛` },
  ...[39_998, 39_997, 39_996, 39_995].map((count) => ({
    name: `&amp; after ${count}`,
    text: `${"x".repeat(count)}&amp;&amp;`,
  })),
  { name: "&lt;", text: `${"x".repeat(39_996)}&lt;&lt;` },
];
for (const { name, text } of cuts) {
  test(`render() cuts no ${name} in half`, () => {
    const target = makeTarget(slackTarget, { url: "https://hooks.slack.com/services/x", text });
    assert.match(String(target.render(makeEvent(), {}).text), /^x+…$/);
  });
}

const leftOut = [
  { locale: "pt-BR", text: "… e mais 3 blocos que não couberam" },
  { locale: "en", text: "… and 3 more blocks that did not fit" },
];
for (const { locale, text } of leftOut) {
  test(`deliver() leaves out blocks that Slack would refuse, and says so in ${locale}`, async () => {
    const blocks = Array.from({ length: 52 }, (_, i) => ({ type: "divider", block_id: `b${i}` }));
    const { outcome, message } = await send({ blocks, locale });
    assert.equal(outcome?.kind, "delivered");
    const last = { type: "context", elements: [{ type: "plain_text", text }] };
    assert.deepEqual(message?.blocks, [...blocks.slice(0, 49), last]);
  });
}

test("deliver() takes an ok with a line's end for an ok", async () => {
  assert.equal((await send({}, makeDelivery(), status(200, "ok\n"))).outcome?.kind, "delivered");
});

test("deliver() takes no other status than 200 for an ok", async () => {
  const { outcome } = await send({}, makeDelivery(), status(202, "ok"));
  assert.ok(outcome?.kind === "retry");
  assert.equal(outcome.reason, "unexpected_answer");
});

test("deliver() posts the route's blocks where it has some", async () => {
  const [own, blocks] = [[{ type: "divider" }], [{ type: "header" }]];
  const { message } = await send({ blocks: own }, makeDelivery(makeEvent(), { message: { text: "route", blocks } }));
  assert.deepEqual(message, { text: "route", blocks });
});

test("deliver() says Slack's word for an error, and where there is none that the message is not confirmed", async () => {
  const detailOf = async (respond: Respond) => {
    const { outcome } = await send({}, makeDelivery(), respond);
    assert.ok(outcome?.kind === "dead" || outcome?.kind === "retry");
    return outcome.detail.in("en");
  };
  assert.equal(await detailOf(status(403, "invalid_token")), "Error invalid_token (Slack)");
  assert.equal(
    await detailOf(status(200, "<html>Sign in</html>")),
    "The provider answered 200, but did not confirm that it took the message",
  );
  assert.equal(await detailOf(status(404, "<html>")), "The target answered 404");
});

test("build() allows one message a second unless the config says otherwise", () => {
  const policy = (options: object) => makeTarget(slackTarget, { url: "https://hooks.slack.com/x", ...options }).policy;
  assert.deepEqual(policy({}).rates[0], { perMs: 1_000, limit: 1 });
  assert.deepEqual(policy({ rate: { per: "1m", limit: 20 } }).rates[0], { perMs: 60_000, limit: 20 });
});

test("build() names the webhook's path as a secret, and keeps it out of its address", () => {
  const url = `https://hooks.slack.com${TOKEN}`;
  const target = makeTarget(slackTarget, { url });
  assert.ok(target.secrets.includes(TOKEN));
  assert.equal(target.address, "https://hooks.slack.com");
});
