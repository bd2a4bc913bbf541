/** WhatsApp by Evolution API, against a server that answers as it does: request, errors, masking. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { evolution } from "../../lib/config/mod.ts";
import type { Outcome } from "../../lib/outcome.ts";
import type { Target } from "../../lib/targets/target.ts";
import { whatsappTarget } from "../../lib/targets/whatsapp.ts";
import { attempt } from "../helpers/attempt.ts";
import { type Respond, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import {
  EVOLUTION_KEY,
  type EvolutionAnswer,
  evolutionError,
  type EvolutionServer,
  INSTANCE,
  startEvolution,
} from "../helpers/vendors/evolution.ts";
import { reasonOf, testContract } from "./contract.ts";

const NUMBER = "+5531999998888";

function make(url: string, options: object = {}, gateway: object = {}): Target {
  const via = evolution({ url, instance: INSTANCE, apiKey: EVOLUTION_KEY, ...gateway });
  return makeTarget(whatsappTarget, { via, to: NUMBER, ...options }).recipients![0]!;
}

const against = (respond: Respond) => async (options: object) => {
  const sink = await startSink(respond);
  return { target: make(sink.url, options), close: sink.close };
};

const server = (parts: Partial<EvolutionServer> = {}) => async (options: object) => {
  const { url, close } = await startEvolution(parts);
  return { target: make(url, options), close };
};

testContract("whatsapp by evolution()", {
  good: server(),
  failing: server({ failures: [evolutionError(500, "Internal Server Error", "Connection Closed")] }),
  refusing: server({ unknown: new Set(["5531999998888"]) }),
  hanging: against(() => {}),
  at: (authority, options) => make(`http://${authority}`, options),
  hostile: {
    "a page of a proxy": { make: against(status(200, "<html>")), kind: "retry", reason: "unexpected_answer" },
    "an answer that names no message": {
      make: against(status(201, '{"status":"PENDING"}')),
      kind: "retry",
      reason: "unexpected_answer",
    },
    "an error in a list of lists": {
      make: server({ failures: [evolutionError(400, "Bad Request", [['instance requires property "textMessage"']])] }),
      kind: "dead",
      reason: "refused",
    },
  },
  secrets: [EVOLUTION_KEY],
});

/** Makes one attempt, and gives the outcome with the server. */
async function send(
  parts: Partial<EvolutionServer> = {},
  gateway: object = {},
): Promise<{ outcome: Outcome; server: EvolutionServer }> {
  const server = await startEvolution(parts);
  try {
    const outcome = await attempt(make(server.url, { text: "Olá" }, gateway), makeDelivery, never);
    return { outcome: outcome!, server };
  } finally {
    await server.close();
  }
}

test("deliver() posts the number in digits and the text, without a preview of links", async () => {
  const { outcome, server } = await send();
  assert.equal(outcome.kind, "delivered");
  const [request] = server.sink.requests;
  assert.equal(request?.path, "/message/sendText/clinica%20sul");
  assert.deepEqual(JSON.parse(String(request?.body)), { number: "5531999998888", text: "Olá", linkPreview: false });
});

test("deliver() is delivered where the server takes what its phone never sends", async () => {
  const { outcome, server } = await send({ isOffline: true });
  assert.deepEqual([outcome.kind, server.taken[0]?.isSent], ["delivered", false]);
});

const rows: [what: string, failure: EvolutionAnswer, kind: "retry" | "dead", reason: string, detail: RegExp][] = [
  [
    "a wrong key",
    evolutionError(401, "Unauthorized", "Unauthorized"),
    "dead",
    "token_refused",
    /^Error 401 \(Evolution API\): Unauthorized$/,
  ],
  [
    "a key of another instance",
    evolutionError(403, "Forbidden", "Missing global api key"),
    "dead",
    "token_refused",
    /403/,
  ],
  [
    "a phone that is gone",
    evolutionError(500, "Internal Server Error", "Connection Closed"),
    "retry",
    "server_failed",
    /Connection Closed$/,
  ],
  [
    "a phone that is gone, told as a bad request",
    evolutionError(400, "Bad Request", "Error: Connection Closed"),
    "retry",
    "server_failed",
    /Closed$/,
  ],
  ["too many requests", evolutionError(429, "Too Many Requests"), "retry", "rate_limited", /429/],
  [
    "a number without WhatsApp",
    evolutionError(400, "Bad Request", { exists: false, number: "5531999998888" }),
    "dead",
    "recipient_unreachable",
    /exists: false$/,
  ],
  [
    "an error inside a 200",
    [200, { status: 400, error: "Bad Request", response: { message: ["no"] } }],
    "dead",
    "refused",
    /Error 400 .*no$/,
  ],
  [
    "an outage inside a 200",
    [200, { status: 500, error: "Internal Server Error" }],
    "retry",
    "server_failed",
    /Error 500/,
  ],
  ["a message that failed at once", [201, { key: { id: "3EB0" }, status: "ERROR" }], "dead", "refused", /201/],
];
for (const [what, failure, kind, reason, detail] of rows) {
  test(`deliver() is ${kind === "dead" ? "dead" : "tried again"} for ${what}`, async () => {
    const { outcome } = await send({ failures: [failure] });
    assert.deepEqual([outcome.kind, reasonOf(outcome)], [kind, reason]);
    assert.ok(outcome.kind !== "delivered");
    assert.match(outcome.detail.in("en"), detail);
  });
}

test("deliver() is dead where the server has no such instance", async () => {
  const { outcome } = await send({}, { instance: "outra" });
  assert.deepEqual([outcome.kind, reasonOf(outcome)], ["dead", "refused"]);
  assert.ok(outcome.kind === "dead");
  assert.match(outcome.detail.in("en"), /The "outra" instance does not exist$/);
});

test("deliver() tells no more of a number than its last digits", async () => {
  for (const { outcome } of [await send(), await send({ unknown: new Set(["5531999998888"]) })]) {
    assert.match(String(outcome.answer), /"…8888@s\.whatsapp\.net"/);
    assert.doesNotMatch(JSON.stringify(outcome), /9999/);
  }
});
