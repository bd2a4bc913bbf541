/** WhatsApp by Z-API, against a server that answers as it does: request, errors, masking. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { zapi } from "../../lib/config/mod.ts";
import type { Outcome } from "../../lib/outcome.ts";
import { redactor } from "../../lib/secret.ts";
import type { Target } from "../../lib/targets/target.ts";
import { whatsappTarget } from "../../lib/targets/whatsapp.ts";
import { attempt } from "../helpers/attempt.ts";
import { type Respond, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import {
  CLIENT_TOKEN,
  startZapi,
  ZAPI_INSTANCE,
  ZAPI_TOKEN,
  type ZapiAnswer,
  type ZapiServer,
} from "../helpers/vendors/zapi.ts";
import { reasonOf, testContract } from "./contract.ts";

const NUMBER = "+5531999998888";

function make(baseUrl: string, options: object = {}, gateway: object = {}): Target {
  const via = zapi({ instance: ZAPI_INSTANCE, token: ZAPI_TOKEN, clientToken: CLIENT_TOKEN, baseUrl, ...gateway });
  return makeTarget(whatsappTarget, { via, to: NUMBER, ...options }).recipients![0]!;
}

const against = (respond: Respond) => async (options: object) => {
  const sink = await startSink(respond);
  return { target: make(sink.url, options), close: sink.close };
};

const server = (parts: Partial<ZapiServer> = {}) => async (options: object) => {
  const { url, close } = await startZapi(parts);
  return { target: make(url, options), close };
};

testContract("whatsapp by zapi()", {
  good: server(),
  failing: against(status(502, "<html>Bad Gateway</html>")),
  refusing: server({ failures: [[400, { error: "Phone number does not exist" }]] }),
  hanging: against(() => {}),
  at: (authority, options) => make(`http://${authority}`, options),
  hostile: {
    "a page of a proxy": { make: against(status(200, "<html>")), kind: "retry", reason: "unexpected_answer" },
    "an answer that names no message": { make: against(status(200, "{}")), kind: "retry", reason: "unexpected_answer" },
    "an error that holds the tokens": {
      make: server({ failures: [[403, { error: `Client-Token ${CLIENT_TOKEN} not allowed for ${ZAPI_TOKEN}` }]] }),
      kind: "dead",
      reason: "token_refused",
    },
  },
  secrets: [ZAPI_TOKEN, CLIENT_TOKEN],
});

/** Makes one attempt, and gives the outcome with the server. */
async function send(
  parts: Partial<ZapiServer> = {},
  gateway: object = {},
): Promise<{ outcome: Outcome; server: ZapiServer; target: Target }> {
  const server = await startZapi(parts);
  try {
    const target = make(server.url, { text: "Olá" }, gateway);
    return { outcome: (await attempt(target, makeDelivery, never))!, server, target };
  } finally {
    await server.close();
  }
}

test("deliver() posts the phone in digits and the message", async () => {
  const { outcome, server } = await send();
  assert.equal(outcome.kind, "delivered");
  const [request] = server.sink.requests;
  assert.deepEqual(JSON.parse(String(request?.body)), { phone: "5531999998888", message: "Olá" });
});

for (const name of ["messageId", "id", "zaapId"]) {
  test(`deliver() takes an answer with only ${name} for taken`, async () => {
    assert.equal((await send({ failures: [[200, { [name]: "3999" }]] })).outcome.kind, "delivered");
  });
}

const rows: [what: string, failure: ZapiAnswer, kind: "retry" | "dead", reason: string][] = [
  ["no client token", [403, { error: "Client-Token null not allowed" }], "dead", "token_refused"],
  [
    "a client token that is not set up",
    [400, { error: "your client-token is not configured" }],
    "dead",
    "token_refused",
  ],
  ["an unknown instance", [400, { error: "Instance not found" }], "dead", "token_refused"],
  ["an unpaid instance", [402, { error: "To continue, subscribe to this instance again" }], "dead", "number_blocked"],
  ["a phone that is not connected", [400, { error: "You are not connected." }], "retry", "server_failed"],
  ["a number without WhatsApp", [400, { error: "Phone number does not exist" }], "dead", "recipient_unreachable"],
  ["too many requests", [429, {}], "retry", "rate_limited"],
  [
    "a wrong path",
    [404, { error: "NOT_FOUND", message: "Unable to find matching target resource" }],
    "dead",
    "refused",
  ],
  ["an error inside a 200", [200, { error: "Whatsapp rejected sending this message" }], "dead", "refused"],
  [
    "an error inside a 200 with ids",
    [200, { error: "Phone number does not exist", zaapId: "3" }],
    "dead",
    "recipient_unreachable",
  ],
  ["a time-out inside a 200", [200, { error: "Timeout on send message" }], "retry", "server_failed"],
];
for (const [what, failure, kind, reason] of rows) {
  test(`deliver() is ${kind === "dead" ? "dead" : "tried again"} for ${what}`, async () => {
    const { outcome } = await send({ failures: [failure] });
    assert.deepEqual([outcome.kind, reasonOf(outcome)], [kind, reason]);
  });
}

test("deliver() is dead where a token is wrong", async () => {
  for (const gateway of [{ token: "errado" }, { clientToken: "errado" }, { instance: "errada" }]) {
    const { outcome } = await send({}, gateway);
    assert.deepEqual([outcome.kind, reasonOf(outcome)], ["dead", "token_refused"]);
  }
});

test("deliver() tells no more of a number than its last digits", async () => {
  const { outcome } = await send({ failures: [[400, { error: "5531999998888 is an invalid phone" }]] });
  assert.ok(outcome.kind === "dead");
  assert.equal(outcome.detail.in("en"), "Error 400 (Z-API): …8888 is an invalid phone");
  assert.equal(outcome.answer, '{"error":"…8888 is an invalid phone"}');
});

test("build() names what opens the instance as secrets", async () => {
  const { target, server } = await send();
  const shown = redactor(target.secrets)(`${server.sink.requests[0]?.path} ${CLIENT_TOKEN}`);
  assert.equal(shown, "/instances/[secret]/token/[secret]/send-text [secret]");
});
