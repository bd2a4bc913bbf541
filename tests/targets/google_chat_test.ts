/** The googleChat target, against a server that takes what Google Chat takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeGoogle, googleChatTarget } from "../../lib/targets/google_chat.ts";
import { type ChatSetup, pauseOf, send } from "../helpers/chat.ts";
import { makeDelivery, makeEvent, makeTarget } from "../helpers/target.ts";
import { googleError, PATH, startGoogleChat } from "../helpers/vendors/google_chat.ts";
import { testChat } from "./chat_contract.ts";

const looks: Record<string, string> = { "∗": "*", "＿": "_", "∼": "~", "ˋ": "`" };
const readAs = (text: string) => text.replaceAll("\u200b", "").replaceAll(/[∗＿∼ˋ]/g, (one) => looks[one]!);

const chat: ChatSetup = {
  kind: "googleChat",
  target: googleChatTarget,
  start: startGoogleChat,
  options: (origin) => ({ url: origin + PATH }),
  secrets: ["s3cr3t-T0KEN", "AIzaSyDdI0hCZtE6vySjMmWEfRq3CPzqKqqsHI"],
  size: [({ body }) => body.byteLength, 32_000],
  hostile:
    "*a* _b_ ~c~ `d` ```e``` <users/all> <users/123> <https://f.example|f> [g](https://g.example) https://h.example CLIENTE_123 < 5 kg\n- i\n* j\n1. k\n> l\n# m",
  readAs,
  bold: ["*", "bold"],
  limited: [
    { ...googleError(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), headers: { "Retry-After": "7" } },
    7_000,
    googleError(429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
  ],
  failing: googleError(503, "UNAVAILABLE", "The service is currently unavailable."),
  permanent: [
    [googleError(403, "PERMISSION_DENIED", "The caller does not have permission"), "token_refused"],
    [googleError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."), "token_refused"],
    [googleError(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "token_refused"],
    [googleError(404, "NOT_FOUND", "Requested entity was not found."), "recipient_unreachable"],
    [googleError(400, "INVALID_ARGUMENT", "Message is too long."), "message_invalid"],
    [googleError(400, "FAILED_PRECONDITION", "Space is archived."), "refused"],
    [googleError(504, "DEADLINE_EXCEEDED", "Deadline expired"), "server_failed", "retry"],
    [googleError(500, "INTERNAL", "Internal error encountered."), "server_failed", "retry"],
    [{ status: 404, body: "<html>Not found</html>" }, "recipient_unreachable"],
  ],
  inside: [
    { ...googleError(404, "NOT_FOUND", "Requested entity was not found."), status: 200 },
    "dead",
    "recipient_unreachable",
  ],
};

testChat(chat);

const queryOf = (path: string) => Object.fromEntries(new URL(path, "http://x").searchParams);

test("deliver() names the request after the delivery, and answers in no thread by default", async () => {
  const { requests: [request] } = await send(chat, { text: "Olá" });
  const { key, token, ...rest } = queryOf(request!.path);
  assert.deepEqual([key, token], ["AIzaSyDdI0hCZtE6vySjMmWEfRq3CPzqKqqsHI", "s3cr3t-T0KEN="]);
  assert.deepEqual(rest, { requestId: makeDelivery().id });
  assert.deepEqual(JSON.parse(request!.body.toString()), { text: "Olá" });
});

test("deliver() keeps messages of one key in one thread", async () => {
  const thread = (e: { data: { note_id: string } }) => `nota ${e.data.note_id}`;
  const event = makeEvent({ event: "note.failed", data: { note_id: "_42_" } });
  const { requests: [request] } = await send(chat, { text: "Olá", thread }, makeDelivery(event));
  assert.equal(queryOf(request!.path).messageReplyOption, "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
  assert.deepEqual(JSON.parse(request!.body.toString()), { text: "Olá", thread: { threadKey: "nota _42_" } });
});

test("deliver() makes no second message of a delivery that Google has taken before", async () => {
  const server = await startGoogleChat();
  const target = makeTarget(googleChatTarget, { url: server.sink.url + PATH });
  for (let attempt = 1; attempt <= 2; attempt++) {
    const outcome = await target.deliver(makeDelivery(undefined, { attempt }), new AbortController().signal);
    assert.equal(outcome.kind, "delivered");
  }
  await server.close();
  assert.deepEqual([server.sink.requests.length, server.shown.length], [2, 1]);
});

test("deliver() waits longer with every attempt where the quota is used up", async () => {
  const pauses: unknown[] = [];
  for (const attempt of [1, 2, 3, 20]) {
    const exhausted = googleError(429, "RESOURCE_EXHAUSTED", "Quota exceeded");
    pauses.push(pauseOf((await send(chat, {}, makeDelivery(undefined, { attempt }), exhausted)).outcome)[2]);
  }
  assert.deepEqual(pauses, [10_000, 20_000, 40_000, 3_600_000]);
});

test("escapeGoogle() leaves references, dates and comparisons as they are", () => {
  for (const same of ["CLIENTE_123", "a_b_c", "2024-02-14T18:25:43.000Z", "< 5 kg", "(x) [y]", "a-b", "#5"]) {
    assert.equal(escapeGoogle(same), same);
  }
});

test("render() cuts a link as a whole", () => {
  const text = "x".repeat(31_960) + "<https://x.example/nota|nota>" + "y".repeat(60);
  const target = makeTarget(googleChatTarget, { url: `https://chat.googleapis.com${PATH}`, text });
  assert.match(String(target.render(makeEvent(), {}).text), /^x+…$/);
});
