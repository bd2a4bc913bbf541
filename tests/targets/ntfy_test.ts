/** The ntfy target, against a server that takes what ntfy takes. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { ntfyTarget } from "../../lib/targets/ntfy.ts";
import { type ChatSetup, pauseOf, send } from "../helpers/chat.ts";
import { makeDelivery, makeEvent, makeTarget } from "../helpers/target.ts";
import { ntfyError, startNtfy, TOKEN } from "../helpers/vendors/ntfy.ts";
import { testChat } from "./chat_contract.ts";

const HOUR_MS = 3_600_000;

const chat: ChatSetup = {
  kind: "ntfy",
  target: ntfyTarget,
  start: startNtfy,
  options: (origin) => ({ url: origin, topic: "clinica", token: TOKEN }),
  secrets: [TOKEN],
  size: [({ body }) => Buffer.byteLength(JSON.parse(body.toString()).message), 4_096],
  hostile: "*a* <b>c</b> [d](https://d.example) @here &amp; #e",
  // The title stands above the message.
  readAs: (text) => text.replace(/^Falha na nota[^\n]*\n(?!O ConnectVets)/, ""),
  limited: [
    { ...ntfyError(42901, "limit reached: too many requests"), headers: { "Retry-After": "5" } },
    5_000,
    ntfyError(42901, "limit reached: too many requests"),
  ],
  failing: ntfyError(50001, "internal server error"),
  permanent: [
    [ntfyError(40101, "unauthorized"), "token_refused"],
    [ntfyError(40301, "forbidden"), "token_refused"],
    [{ status: 403, body: "<html>Forbidden</html>" }, "token_refused"],
    [ntfyError(41303, "JSON body too large"), "message_invalid"],
    [ntfyError(40009, "invalid request: topic invalid"), "refused"],
    [ntfyError(40401, "page not found"), "refused"],
  ],
  inside: [{ status: 200, body: { code: 40301, http: 403, error: "forbidden" } }, "dead", "token_refused"],
};

testChat(chat);

const bodyOf = async (options: object, payload?: object) => {
  const delivery = makeDelivery(makeEvent(payload));
  const { requests: [request] } = await send(chat, { ...options }, delivery);
  return { headers: request!.headers, ...JSON.parse(request!.body.toString()) };
};

test("deliver() sends a title, and a message without any markup", async () => {
  const { title, message, topic, priority, click } = await bodyOf({ title: undefined });
  assert.deepEqual([title, topic, priority, click], ["Falha na nota: consulta-7", "clinica", 4, undefined]);
  assert.match(message, /^O ConnectVets não conseguiu[^\n]*\nO que fazer: [^\n]*\nReferência: consulta-7\n/);
});

test("deliver() gives what failed a higher priority, unless the config says which", async () => {
  const done = { event: "note.completed", data: { note_id: "n1" } };
  assert.equal((await bodyOf({}, done)).priority, 3);
  assert.equal((await bodyOf({ priority: 5 }, done)).priority, 5);
  assert.equal((await bodyOf({ priority: 1 })).priority, 1);
});

test("deliver() sends tags, the config's title and what a touch opens", async () => {
  const { tags, title, click } = await bodyOf({
    tags: ["hospital"],
    title: (e: { data: { note_id: string } }) => `Nota ${e.data.note_id}`,
    click: () => "https://app.example/n1",
  });
  assert.deepEqual([tags, title, click], [["hospital"], "Nota nota-42", "https://app.example/n1"]);
});

test("deliver() logs in with a token, or with a user and a password", async () => {
  assert.equal((await bodyOf({})).headers.authorization, `Bearer ${TOKEN}`);
  assert.equal((await bodyOf({ token: "phil:mypass" })).headers.authorization, "Basic cGhpbDpteXBhc3M=");
  assert.equal((await bodyOf({ token: undefined })).headers.authorization, undefined);
});

test("deliver() waits an hour where the messages of the day are used up", async () => {
  const { outcome } = await send(chat, {}, makeDelivery(), ntfyError(42908, "limit reached: too many messages"));
  assert.deepEqual(pauseOf(outcome), ["retry", "rate_limited", HOUR_MS]);
});

test("deliver() keeps the request within what ntfy reads of JSON", async () => {
  const options = {
    text: () => '"\n'.repeat(4_000),
    title: () => '"'.repeat(4_000),
    click: () => `http://x/${"y".repeat(3_000)}`,
  };
  const { outcome, requests, shown } = await send(chat, options);
  assert.equal(outcome.kind, "delivered", JSON.stringify(outcome));
  assert.ok(requests[0]!.body.byteLength <= 8_192);
  assert.match(shown[0]!.text, /"…$/);
});

test("build() shows a topic that a login protects, and masks one that nothing else does", () => {
  const url = "https://ntfy.example";
  const open = makeTarget(ntfyTarget, { url, topic: "clinica-k2J9xPq7" });
  assert.deepEqual([open.address, open.secrets], [url, ["clinica-k2J9xPq7"]]);
  const closed = makeTarget(ntfyTarget, { url, topic: "clinica", token: "phil:mypass" });
  assert.deepEqual([closed.address, closed.secrets], [`${url} (clinica)`, ["phil:mypass", "mypass"]]);
  assert.equal(makeTarget(ntfyTarget, { topic: "clinica" }).address, "https://ntfy.sh");
});

test("build() refuses what ntfy would refuse", () => {
  for (
    const wrong of [{ topic: "a b" }, { topic: "" }, { priority: 6 }, { priority: 0 }, { token: "a b" }, { tags: [""] }]
  ) {
    assert.ok(!ntfyTarget.schema.safeParse({ topic: "clinica", ...wrong }).success, JSON.stringify(wrong));
  }
});
