/** The telegram target, against a server that takes what Telegram takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { cutHtml, telegramTarget } from "../../lib/targets/telegram.ts";
import { type ChatSetup, send, show } from "../helpers/chat.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { startTelegram, telegramError, TOKEN } from "../helpers/vendors/telegram.ts";
import { testChat } from "./chat_contract.ts";

const chat: ChatSetup = {
  kind: "telegram",
  target: telegramTarget,
  start: startTelegram,
  options: (origin) => ({ baseUrl: origin, token: TOKEN, chat: -1001234567890 }),
  secrets: [TOKEN, TOKEN.split(":")[1]!],
  size: [({ body }) => lengthOf(JSON.parse(body.toString()).text), 4_096],
  hostile: '<b>a</b> <a href="https://x.example">b</a> &lt;i&gt; &amp; "c" <script> *d* _e_ `f` CLIENTE_123',
  limited: [
    telegramError(429, "Too Many Requests: retry after 17", { retry_after: 17 }),
    17_000,
    telegramError(429, "Too Many Requests"),
  ],
  failing: telegramError(500, "Internal Server Error"),
  permanent: [
    [telegramError(401, "Unauthorized"), "token_refused"],
    [telegramError(404, "Not Found"), "token_refused"],
    [telegramError(403, "Forbidden: bot was kicked from the supergroup chat"), "recipient_unreachable"],
    [telegramError(400, "Bad Request: chat not found"), "recipient_unreachable"],
    [telegramError(400, "Bad Request: message thread not found"), "recipient_unreachable"],
    [telegramError(400, "Bad Request: can't parse entities: Unsupported start tag"), "message_invalid"],
    [telegramError(400, "Bad Request: something new"), "refused"],
  ],
  inside: [
    { status: 200, body: { ok: false, error_code: 403, description: "Forbidden" } },
    "dead",
    "recipient_unreachable",
  ],
};

/** How long a text is where Telegram has read its tags and entities. */
const lengthOf = (html: string) => html.replaceAll(/<[^>]*>/g, "").replaceAll(/&\w+;/g, "x").length;

testChat(chat);

test("deliver() sends HTML to a topic without a sound and without previews", async () => {
  const html = (e: { data: { note_id: string } }) => `<b>${e.data.note_id}</b>`;
  const { requests: [request] } = await send(chat, { html, text: "x", thread: 7, silent: true });
  assert.deepEqual(JSON.parse(request!.body.toString()), {
    chat_id: -1001234567890,
    text: "<b>nota-42</b>",
    parse_mode: "HTML",
    message_thread_id: 7,
    disable_notification: true,
    link_preview_options: { is_disabled: true },
  });
});

test("deliver() follows a group that has moved, and goes on there", async () => {
  const moved = telegramError(400, "Bad Request: group chat was upgraded to a supergroup chat", {
    migrate_to_chat_id: -1009,
  });
  const server = await startTelegram(moved);
  const target = makeTarget(telegramTarget, chat.options(server.sink.url));
  for (let count = 0; count < 2; count++) {
    assert.equal((await target.deliver(makeDelivery(), never)).kind, "delivered");
  }
  await server.close();
  const chats = server.sink.requests.map(({ body }) => JSON.parse(body.toString()).chat_id);
  assert.deepEqual(chats, [-1001234567890, -1009, -1009]);
});

test("deliver() closes a tag of the config's HTML that is cut", async () => {
  const { text, effects } = await show(chat, { html: `<b>um <i>${"x".repeat(5_000)}</i></b>` });
  assert.equal(text.length, 4_096);
  assert.deepEqual(effects.map((effect) => effect.slice(0, 5)), ["i: xx", "b: um"]);
});

test("cutHtml() escapes what is no tag of Telegram's, and drops an end without a start", () => {
  assert.equal(cutHtml("a < b & c <br> </b><b>d", 100), "a &lt; b &amp; c &lt;br&gt; <b>d</b>");
});

for (let max = 1; max <= 12; max++) {
  test(`cutHtml() cuts no entity and no emoji in half at ${max}`, () => {
    const kept = cutHtml("&amp;💛👨‍👩‍👧&lt;", max);
    assert.match(kept, /^(?:&amp;)?(?:💛)?(?:👨‍👩‍👧)?(?:&lt;)?…?$/u);
    assert.ok(lengthOf(kept) <= max);
  });
}

test("build() shows the chat and not the token, and paces groups", () => {
  const target = makeTarget(telegramTarget, { token: TOKEN, chat: "-100123", thread: 7 });
  assert.equal(target.address, "https://api.telegram.org (chat -100123, 7)");
  assert.deepEqual(target.policy.rates, [{ perMs: 1_000, limit: 1 }, { perMs: 60_000, limit: 20 }]);
  assert.deepEqual(makeTarget(telegramTarget, { token: TOKEN, chat: 42 }).policy.rates, [{ perMs: 1_000, limit: 1 }]);
});
