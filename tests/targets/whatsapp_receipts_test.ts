/** What gateways to WhatsApp tell of messages: who may tell it, and what it says. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { readConfig } from "../../lib/config/schema.ts";
import { connectvets } from "../../lib/sources/mod.ts";
import { whatsapp, whatsappTarget } from "../../lib/targets/whatsapp.ts";
import * as gateways from "../../lib/targets/whatsapp/mod.ts";
import { problemOf } from "../helpers/issues.ts";
import { makeTarget } from "../helpers/target.ts";
import { CLOUD_TOKEN, PHONE_NUMBER_ID } from "../helpers/vendors/whatsapp_cloud.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const SECRET = "0123456789abcdef0123456789abcdef";
const VERIFY = "um-texto-longo-e-aleatorio";
const DELIVERY = "0190b0f0-0000-7000-8000-00000000000d";

const cloud = gateways.whatsappCloud({ phoneNumberId: PHONE_NUMBER_ID, token: CLOUD_TOKEN });
const evolution = gateways.evolution({ url: "http://localhost:8080", instance: "clinica", apiKey: "apikey-123" });
const zapi = gateways.zapi({ instance: "3C01", token: "token-123", clientToken: "client-123" });

const signedReceipts = { path: "/whatsapp", appSecret: SECRET, verifyToken: VERIFY };
const tokenReceipts = { path: "/whatsapp", secret: SECRET };

const endpointOf = (via: object, receipts: object) =>
  makeTarget(whatsappTarget, { via, to: "+5531999998888", receipts }).receipts!;

const official = endpointOf(cloud, signedReceipts);

const signed = (body: string, secret = SECRET) => `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** Reads what Meta would post. */
function readCloud(body: string, signature: string | null = signed(body), method = "POST", query = "") {
  const headers = { get: (name: string) => name.toLowerCase() === "x-hub-signature-256" ? signature : null };
  return official.read({ method, query: new URLSearchParams(query), headers, body: Buffer.from(body), now: NOW });
}

/** Reads what a gateway would post that signs nothing. */
function readToken(via: object, body: unknown, query = `token=${SECRET}`, method = "POST") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const request = { method, query: new URLSearchParams(query), headers: { get: () => null }, now: NOW };
  return endpointOf(via, tokenReceipts).read({ ...request, body: Buffer.from(text) });
}

const statuses = (...given: unknown[]) =>
  JSON.stringify({ entry: [{ changes: [{ field: "messages", value: { statuses: given } }] }] });

const status = (name: string, parts: object = {}) => ({
  id: "wamid.A",
  status: name,
  timestamp: "1796040000",
  biz_opaque_callback_data: DELIVERY,
  ...parts,
});

const said = (answer: ReturnType<typeof readCloud>) =>
  answer.kind === "receipts"
    ? answer.receipts.map(({ message, delivery, status, at, failure }) => [
      message,
      delivery,
      status,
      at,
      failure && `${failure.kind} ${failure.reason}: ${failure.detail}`,
    ])
    : answer;

test("read() takes Meta's statuses, with the delivery that each gives back", () => {
  const at = 1_796_040_000_000;
  for (const [name, known] of [["sent", "sent"], ["delivered", "delivered"], ["read", "read"], ["played", "read"]]) {
    assert.deepEqual(said(readCloud(statuses(status(name!)))), [["wamid.A", DELIVERY, known, at, undefined]], name);
  }
  assert.deepEqual(said(readCloud(statuses(status("deleted"), status("warning"), { id: 7 }, null, "x"))), []);
  const errors = [{ code: 131026, title: "Message undeliverable", error_data: { details: "No WhatsApp" } }];
  assert.deepEqual(said(readCloud(statuses(status("failed", { errors })))), [[
    "wamid.A",
    DELIVERY,
    "failed",
    at,
    "dead recipient_unreachable: Accepted, but not delivered: error 131026 (WhatsApp): No WhatsApp",
  ]]);
});

test("read() judges a failure that is told late by the table of answers, and an unknown one as refused", () => {
  const rows: [unknown, string][] = [
    [{ code: 131000 }, "retry server_failed"],
    [{ code: "131047" }, "dead window_closed"],
    [{ code: 131056 }, "retry rate_limited"],
    [{ code: 190 }, "dead token_refused"],
    [{ code: 999_999, message: "Something new" }, "dead refused"],
    [{ code: 999_999, is_transient: true }, "retry refused"],
    [{}, "dead refused"],
    [undefined, "dead refused"],
  ];
  for (const [error, expected] of rows) {
    const answer = readCloud(statuses(status("failed", { errors: error === undefined ? undefined : [error] })));
    assert.ok(answer.kind === "receipts");
    const [{ failure }] = answer.receipts as [typeof answer.receipts[number]];
    assert.equal(`${failure!.kind} ${failure!.reason}`, expected, JSON.stringify(error));
  }
});

test("read() passes ids over that no store can keep, and shows no number whole that a vendor tells", () => {
  for (const id of ["x".repeat(513), "a\0b", "\ud800", ""]) {
    assert.deepEqual(said(readCloud(statuses(status("sent", { id })))), [], id.slice(0, 9));
  }
  assert.equal((said(readCloud(statuses(status("sent", { id: "x".repeat(512) })))) as unknown[]).length, 1);
  const failed = { type: "DeliveryCallback", messageId: "A", error: "5531999998888 is not on WhatsApp" };
  const answer = readToken(zapi, failed);
  assert.ok(answer.kind === "receipts");
  assert.match(String(answer.receipts[0]!.failure!.detail), /: …8888 is not on WhatsApp$/);
});

test("read() takes nothing else that Meta tells, and a time that makes no sense as now", () => {
  const others = [
    "{}",
    '{"entry":[]}',
    '{"entry":[{"changes":[{"value":{"messages":[{"from":"5531999998888","text":{"body":"oi"}}]}}]}]}',
    '{"entry":{"changes":1}}',
    '{"entry":[null,1,{"changes":[null,{"value":null}]}]}',
  ];
  for (const body of others) assert.deepEqual(said(readCloud(body)), [], body);
  for (const timestamp of ["", "x", "-1", "99999999999999", undefined]) {
    const answer = readCloud(statuses(status("sent", { timestamp })));
    assert.equal(answer.kind === "receipts" && answer.receipts[0]!.at, NOW, timestamp);
  }
});

test("read() refuses what Meta did not sign, before it reads it", () => {
  const body = statuses(status("read"));
  const rows: [string | null, string][] = [
    [null, "signature_missing"],
    ["", "signature_missing"],
    ["sha256=", "signature_malformed"],
    ["sha1=0000", "signature_malformed"],
    [signed(body, "another secret"), "signature_wrong"],
    [signed(`${body} `), "signature_wrong"],
  ];
  for (const [signature, reason] of rows) {
    assert.deepEqual(readCloud(body, signature), { kind: "unsigned", reason }, String(signature));
  }
  assert.equal(readCloud("no json", signed("other")).kind, "unsigned");
  assert.equal(readCloud("no json").kind, "invalid");
  assert.equal(readCloud("[1]").kind, "invalid");
  assert.equal(readCloud("").kind, "invalid");
  assert.equal(readCloud(body, signed(body), "PUT").kind, "method");
});

test("read() gives Meta's challenge back to whoever knows the token", () => {
  const ask = (query: string) => readCloud("", null, "GET", query);
  const greeting = (token: string, challenge: string) =>
    `hub.mode=subscribe&hub.challenge=${challenge}&hub.verify_token=${token}`;
  assert.deepEqual(ask(greeting(VERIFY, "1158201444")), { kind: "handshake", body: "1158201444" });
  assert.deepEqual(ask(greeting("x", "1")), { kind: "unsigned", reason: "signature_wrong" });
  assert.deepEqual(ask(greeting("", "1")), { kind: "unsigned", reason: "signature_wrong" });
  assert.deepEqual(ask(""), { kind: "unsigned", reason: "signature_missing" });
  assert.deepEqual(ask(`hub.challenge=1&hub.verify_token=${VERIFY}`), {
    kind: "unsigned",
    reason: "signature_missing",
  });
  for (const challenge of ["", "<b>", "a%0Ab", "1".repeat(257)]) {
    assert.equal(ask(greeting(VERIFY, challenge)).kind, "invalid", challenge);
  }
});

test("read() takes Evolution's updates of messages that it sent, and nothing else", () => {
  const update = (data: unknown, event = "messages.update") => ({ event, data, date_time: "2026-11-30T11:59:00.000Z" });
  const at = NOW - 60_000;
  const rows: [unknown, unknown[]][] = [
    [update({ keyId: "3EB0", fromMe: true, status: "SERVER_ACK" }), [["3EB0", undefined, "sent", at, undefined]]],
    [update({ keyId: "3EB0", status: "DELIVERY_ACK" }), [["3EB0", undefined, "delivered", at, undefined]]],
    [update([{ key: { id: "3EB0", fromMe: true }, update: { status: 4 } }]), [[
      "3EB0",
      undefined,
      "read",
      at,
      undefined,
    ]]],
    [update({ keyId: "3EB0", status: "PLAYED" }, "MESSAGES_UPDATE"), [["3EB0", undefined, "read", at, undefined]]],
    [update({ keyId: "3EB0", status: "ERROR" }), [[
      "3EB0",
      undefined,
      "failed",
      at,
      "retry server_failed: Accepted, but not delivered (Evolution API)",
    ]]],
    [update({ keyId: "3EB0", fromMe: false, status: "READ" }), []],
    [update({ keyId: "3EB0", status: "PENDING" }), []],
    [update({ keyId: 3, status: "READ" }), []],
    [update({ keyId: "3EB0", status: "READ" }, "messages.upsert"), []],
    [update(null), []],
    [{}, []],
  ];
  for (const [body, expected] of rows) {
    assert.deepEqual(said(readToken(evolution, body)), expected, JSON.stringify(body));
  }
});

test("read() takes Z-API's statuses, and what its queue could not send", () => {
  const status = (name: string, parts = {}) => ({
    type: "MessageStatusCallback",
    status: name,
    ids: ["A", "B"],
    momment: NOW - 1_000,
    ...parts,
  });
  const both = (name: string) => ["A", "B"].map((id) => [id, undefined, name, NOW - 1_000, undefined]);
  for (const [name, known] of [["SENT", "sent"], ["RECEIVED", "delivered"], ["READ", "read"], ["PLAYED", "read"]]) {
    assert.deepEqual(said(readToken(zapi, status(name!))), both(known!), name);
  }
  assert.deepEqual(said(readToken(zapi, status("READ_BY_ME"))), []);
  assert.deepEqual(said(readToken(zapi, status("READ", { ids: "A" }))), []);
  assert.deepEqual(said(readToken(zapi, { type: "DeliveryCallback", messageId: "A" })), []);
  const failed = { type: "DeliveryCallback", messageId: "A", error: "Phone number does not exist" };
  assert.deepEqual(said(readToken(zapi, failed)), [[
    "A",
    undefined,
    "failed",
    NOW,
    "dead recipient_unreachable: Accepted, but not delivered (Z-API): Phone number does not exist",
  ]]);
});

test("read() refuses a gateway without the token, and any other method", () => {
  const body = { type: "MessageStatusCallback", status: "READ", ids: ["A"] };
  for (const via of [evolution, zapi]) {
    assert.deepEqual(readToken(via, body, ""), { kind: "unsigned", reason: "signature_missing" });
    assert.deepEqual(readToken(via, body, "token=x"), { kind: "unsigned", reason: "signature_wrong" });
    assert.deepEqual(readToken(via, body, "token="), { kind: "unsigned", reason: "signature_wrong" });
    assert.equal(readToken(via, body, `token=${SECRET}`, "GET").kind, "method");
    assert.equal(readToken(via, "no json").kind, "invalid");
  }
});

test("readConfig() refuses receipts that do not fit the gateway, and a path that is taken", () => {
  const sources = { connectvets: connectvets({ path: "/webhook", secret: SECRET }) };
  const problemsOf = (parts: object) => readConfig({ sources, routes: [], ...parts }, "/").issues.map(problemOf);
  const configOf = (...receipts: [via: object, receipts: object][]) => ({
    targets: Object.fromEntries(receipts.map(([via, one], at) => [
      `w${at}`,
      whatsapp({ via, to: "+5531999998888", text: "x", receipts: one } as Parameters<typeof whatsapp>[0]),
    ])),
  });
  const rows: [[object, object][], RegExp[]][] = [
    [[[cloud, signedReceipts]], []],
    [[[evolution, tokenReceipts]], []],
    [[[cloud, signedReceipts], [cloud, { ...signedReceipts }]], []],
    [[[cloud, tokenReceipts]], [
      /^targets\.w0\.receipts\.appSecret: is missing; expected a key/,
      /verifyToken: /,
      /\.secret: is only for evolution/,
    ]],
    [[[zapi, signedReceipts]], [
      /\.secret: is missing; expected a key/,
      /appSecret: is only for whatsappCloud/,
      /verifyToken: is only/,
    ]],
    [[[cloud, { ...signedReceipts, path: "whatsapp" }]], [/receipts\.path: expected a path/]],
    [[[cloud, { ...signedReceipts, path: "/webhook" }]], [/^targets\.w0\.receipts\.path: .*\/webhook.*connectvets/]],
    [[[cloud, { ...signedReceipts, path: "/healthz" }]], [/receipts\.path: /]],
    [[[cloud, signedReceipts], [cloud, { ...signedReceipts, appSecret: "x" }]], [
      /^targets\.w1\.receipts\.path: is \/whatsapp, as that/,
    ]],
    [[[evolution, tokenReceipts], [zapi, tokenReceipts]], [/^targets\.w1\.receipts\.path: is \/whatsapp, as that/]],
    [[[evolution, { ...tokenReceipts, secret: "with a space & more" }]], [/^targets\.w0\.receipts\.secret: /]],
  ];
  for (const [given, expected] of rows) {
    const problems = problemsOf(configOf(...given));
    assert.equal(problems.length, expected.length, `${problems}`);
    expected.forEach((pattern) => assert.ok(problems.some((one) => pattern.test(one)), `${pattern}: ${problems}`));
  }
});
