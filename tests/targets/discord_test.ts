/** The discord target, against a server that takes what Discord takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { discordTarget, escapeDiscord } from "../../lib/targets/discord.ts";
import { type ChatSetup, pauseOf, send } from "../helpers/chat.ts";
import { makeDelivery, makeEvent, makeTarget, never } from "../helpers/target.ts";
import { discordError, PATH, startDiscord } from "../helpers/vendors/discord.ts";
import { testChat } from "./chat_contract.ts";

const HOUR_MS = 3_600_000;
const TOKEN = PATH.split("/").at(-1)!;

const chat: ChatSetup = {
  kind: "discord",
  target: discordTarget,
  start: startDiscord,
  options: (origin) => ({ url: origin + PATH }),
  secrets: [TOKEN],
  size: [({ body }) => JSON.parse(body.toString()).content.length, 2_000],
  hostile:
    "*a* _b_ **c** __d__ ~~e~~ ||f|| `g` <@123> <#1> <t:1> <:x:1> @everyone :dog: [h](https://h.example) https://i.example \\*j* CLIENTE_123\n# k\n- l\n1. m\n> n\n-# o",
  bold: ["**", "bold"],
  limited: [
    { status: 429, body: { message: "You are being rate limited.", retry_after: 1.337, global: false } },
    1_337,
    { status: 429, body: "error code: 1015" },
  ],
  failing: { status: 500, body: { message: "500: Internal Server Error", code: 0 } },
  permanent: [
    [discordError(404, 10015, "Unknown Webhook"), "token_refused"],
    [discordError(401, 50027, "Invalid Webhook Token"), "token_refused"],
    [discordError(401, 0, "401: Unauthorized"), "token_refused"],
    [{ status: 403, body: "Forbidden" }, "token_refused"],
    [discordError(404, 10003, "Unknown Channel"), "recipient_unreachable"],
    [discordError(400, 50083, "Thread is archived"), "recipient_unreachable"],
    [discordError(400, 220001, "Webhooks posted to forum channels must have a thread_name"), "recipient_unreachable"],
    [discordError(400, 50035, "Invalid Form Body"), "message_invalid"],
    [discordError(400, 40_333, "internal network error"), "refused"],
    [discordError(400, 130000, "API resource is currently overloaded"), "server_failed", "retry"],
  ],
  inside: [{ status: 200, body: { message: "Unknown Webhook", code: 10015 } }, "dead", "token_refused"],
};

testChat(chat);

const { id } = makeDelivery();

test("deliver() waits for the message, keeps the URL's query, and mentions nobody", async () => {
  const options = { thread: "1093182042112356352", username: "Clínica" };
  const server = await startDiscord();
  const url = `${server.sink.url}${PATH}?thread_id=1&with_components=true`;
  const target = makeTarget(discordTarget, { url, text: "Olá", ...options });
  await target.deliver(makeDelivery(), never);
  await server.close();
  const { path, body } = server.sink.requests[0]!;
  assert.equal(path, `${PATH}?thread_id=1093182042112356352&with_components=true&wait=true`);
  assert.deepEqual(JSON.parse(body.toString()), {
    content: "Olá",
    username: "Clínica",
    allowed_mentions: { parse: [] },
    flags: 4,
  });
});

test("deliver() pauses where Discord says that no more may be sent", async () => {
  const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25" };
  const { outcome } = await send(chat, {}, makeDelivery(), { status: 200, body: { id }, headers });
  assert.deepEqual(pauseOf(outcome), ["delivered", undefined, 1_250]);
});

test("deliver() leaves a webhook that is gone alone for an hour", async () => {
  const { outcome } = await send(chat, {}, makeDelivery(), discordError(404, 10015, "Unknown Webhook"));
  assert.deepEqual(pauseOf(outcome), ["dead", "token_refused", HOUR_MS]);
  assert.ok(outcome.kind === "dead");
  assert.equal(outcome.detail.in("pt-BR"), "Erro 10015 (Discord): Unknown Webhook");
});

test("deliver() says which field Discord refuses", async () => {
  const errors = { content: { _errors: [{ code: "BASE_TYPE_MAX_LENGTH", message: "Must be 2000 or fewer." }] } };
  const refused = discordError(400, 50035, "Invalid Form Body", { errors });
  const { outcome } = await send(chat, {}, makeDelivery(), refused);
  assert.ok(outcome.kind === "dead");
  assert.match(outcome.detail.in("en"), /^Error 50035 \(Discord\): Invalid Form Body .*Must be 2000 or fewer/);
});

test("escapeDiscord() leaves dates, times, numbers and names as they are", () => {
  for (const same of ["2024-02-14T18:25:43.000Z", "note.failed", "-5", "#5", "1.5 kg", "a-b", "(x)", "15:25"]) {
    assert.equal(escapeDiscord(same), same);
  }
});

test("render() cuts a link as a whole, and a character with its backslash", () => {
  const url = `https://discord.com${PATH}`;
  const content = (text: string) => String(makeTarget(discordTarget, { url, text }).render(makeEvent(), {}).content);
  const link = "[nota](https://x.example/nota)";
  for (let pad = 1_965; pad <= 1_999; pad++) {
    const kept = content("x".repeat(pad) + link + "y".repeat(60));
    assert.match(kept, /^x+(?:\[nota\]\(https:\/\/x\.example\/nota\)y*)?…$/);
    assert.match(content("x".repeat(pad) + "\\*".repeat(60)), /^x+(?:\\\*)*…$/);
  }
});

test("build() takes a thread's number as a text alone, and no name that Discord refuses", () => {
  const url = `https://discord.com${PATH}`;
  for (
    const wrong of [{ thread: 1093182042112356352 }, { thread: "x" }, { username: "Discord bot" }, { username: "" }]
  ) {
    assert.ok(!discordTarget.schema.safeParse({ url, ...wrong }).success, JSON.stringify(wrong));
  }
  const { address, policy } = makeTarget(discordTarget, { url });
  assert.equal(address, "https://discord.com");
  assert.deepEqual(policy.rates, [{ perMs: 2_000, limit: 5 }, { perMs: 60_000, limit: 30 }]);
});
