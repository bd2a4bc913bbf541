/** The outcome tables row by row, and that none of their rows is left untested. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OutboundError } from "../../lib/outbound/error.ts";
import type { Outcome } from "../../lib/outcome.ts";
import type { Reason } from "../../lib/reason.ts";
import {
  codeOfWords,
  exitOutcome,
  exitRows,
  httpOutcome,
  httpRows,
  networkOutcome,
  networkRows,
  retryAfterMs,
  type Row,
  smtpOutcome,
  smtpRows,
  withWords,
} from "../../lib/targets/outcomes.ts";
import { reasonOf } from "./contract.ts";

type Expected = [kind: Outcome["kind"], reason?: Reason];

/** As JSON has it: its detail in English. */
const plain = (outcome: Outcome): unknown => JSON.parse(JSON.stringify(outcome));

/** Each row of a table is the first that fits one of the numbers. */
function assertCovered(rows: readonly Row[], numbers: number[]): void {
  const met = new Set(numbers.map((number) => rows.findIndex(([from, to]) => number >= from && number <= to)));
  assert.deepEqual(rows.filter((_, index) => !met.has(index)), []);
}

const httpCases: [status: number, ...Expected][] = [
  [100, "dead", "refused"],
  [199, "dead", "refused"],
  [200, "delivered"],
  [299, "delivered"],
  [300, "dead", "redirected"],
  [399, "dead", "redirected"],
  [400, "dead", "refused"],
  [407, "dead", "refused"],
  [408, "retry", "refused"],
  [409, "dead", "refused"],
  [424, "dead", "refused"],
  [425, "retry", "refused"],
  [426, "dead", "refused"],
  [428, "dead", "refused"],
  [429, "retry", "rate_limited"],
  [430, "dead", "refused"],
  [499, "dead", "refused"],
  [500, "retry", "server_failed"],
  [599, "retry", "server_failed"],
  [999, "retry", "server_failed"],
];
for (const [status, kind, reason] of httpCases) {
  test(`httpOutcome() makes of ${status}: ${kind}${reason ? `, ${reason}` : ""}`, () => {
    const outcome = httpOutcome({ status, answer: "a" }, "7", 0);
    assert.deepEqual([outcome.kind, reasonOf(outcome), outcome.status, outcome.answer], [kind, reason, status, "a"]);
    assert.equal("pauseMs" in outcome ? outcome.pauseMs : undefined, kind === "retry" ? 7_000 : undefined);
  });
}

const HOUR = 3_600_000;
const NOW = Date.UTC(2024, 1, 14, 18, 25, 43);
const pauses: [value: string | null, ms: number | undefined][] = [
  ["30", 30_000],
  ["0", 0],
  ["3600", HOUR],
  ["3601", HOUR],
  ["9".repeat(400), HOUR],
  ["Wed, 14 Feb 2024 18:26:43 GMT", 60_000],
  ["Wed, 14 Feb 2024 18:25:42 GMT", 0],
  ["Fri, 14 Feb 2025 18:25:43 GMT", HOUR],
  ["soon", undefined],
  ["NaN", undefined],
  ["12 parsecs", undefined],
  ["", undefined],
  [null, undefined],
];
for (const [value, ms] of pauses) {
  test(`retryAfterMs() makes of ${JSON.stringify(value)?.slice(0, 40)}: ${ms}`, () => {
    assert.equal(retryAfterMs(value, NOW), ms);
  });
}

const smtpCases: [code: number, ...Expected][] = [
  [400, "retry", "server_failed"],
  [421, "retry", "server_failed"],
  [450, "retry", "server_failed"],
  [451, "retry", "server_failed"],
  [452, "retry", "server_failed"],
  [454, "retry", "server_failed"],
  [499, "retry", "server_failed"],
  [500, "dead", "refused"],
  [530, "dead", "refused"],
  [535, "dead", "refused"],
  [550, "dead", "refused"],
  [552, "dead", "refused"],
  [554, "dead", "refused"],
];
for (const [responseCode, kind, reason] of smtpCases) {
  test(`smtpOutcome() makes of ${responseCode}: ${kind}, ${reason}`, () => {
    const response = `${responseCode} no`;
    const outcome = smtpOutcome(Object.assign(new Error("no"), { code: "EENVELOPE", responseCode, response }), "smtp");
    const detail = `The mail server answered ${responseCode}: no`;
    assert.deepEqual(plain(outcome), { kind, reason, detail, status: responseCode, answer: response });
  });
}

test("smtpOutcome() tells the words of a reply of several lines, without their codes", () => {
  const response = "550-5.1.1 The account does not exist.\r\n550 5.1.1 See https://mail.example/help.";
  const outcome = smtpOutcome(Object.assign(new Error("no"), { responseCode: 550, response }), "smtp");
  assert.ok(outcome.kind === "dead");
  assert.equal(
    String(outcome.detail),
    "The mail server answered 550: The account does not exist. See https://mail.example/help",
  );
});

test("withWords() leaves out what is no text, and cuts what is long", () => {
  for (const nothing of [undefined, null, 7, "", " \n"]) assert.equal(withWords("It failed", nothing), "It failed");
  assert.equal(withWords("It failed", "x".repeat(1_000)), `It failed: ${"x".repeat(300)}…`);
});

for (const responseCode of [454, 554]) {
  test(`smtpOutcome() takes ${responseCode} to STARTTLS for no refusal of the message`, () => {
    const outcome = smtpOutcome(Object.assign(new Error("no"), { code: "ETLS", responseCode }), "smtp");
    assert.deepEqual([outcome.kind, reasonOf(outcome)], ["retry", "tls_failed"]);
  });
}

test("smtpOutcome() takes a reply that refuses nothing for what the error's code says", () => {
  const outcome = smtpOutcome(Object.assign(new Error("cut"), { code: "ECONNECTION", responseCode: 250 }), "smtp");
  assert.deepEqual([outcome.kind, reasonOf(outcome)], ["retry", "connection_reset"]);
});

const exitCases: [code: number, ...Expected][] = [
  [0, "delivered"],
  [1, "retry", "script_failed"],
  [64, "retry", "script_failed"],
  [65, "dead", "refused"],
  [66, "retry", "script_failed"],
  [127, "retry", "script_failed"],
  [255, "retry", "script_failed"],
];
for (const [code, kind, reason] of exitCases) {
  test(`exitOutcome() makes of ${code}: ${kind}${reason ? `, ${reason}` : ""}`, () => {
    const outcome = exitOutcome(code, null);
    assert.deepEqual([outcome.kind, reasonOf(outcome), outcome.status], [kind, reason, code]);
  });
}

for (const signal of ["SIGKILL", "SIGTERM", "SIGSEGV"]) {
  test(`exitOutcome() makes of ${signal}: retry, script_failed`, () => {
    const detail = `The script was ended by ${signal}`;
    assert.deepEqual(plain(exitOutcome(null, signal)), { kind: "retry", reason: "script_failed", detail });
  });
}

test("httpRows, smtpRows and exitRows hold no row that is not tested here", () => {
  assertCovered(httpRows, httpCases.map(([status]) => status));
  assertCovered(smtpRows, smtpCases.map(([code]) => code));
  assertCovered(exitRows, exitCases.map(([code]) => code));
});

const codeCases: [code: string, reason: Reason][] = [
  ["ECONNREFUSED", "connection_refused"],
  ["ECONNRESET", "connection_reset"],
  ["EPIPE", "connection_reset"],
  ["ECONNECTION", "connection_reset"],
  ["ENOTFOUND", "dns_failed"],
  ["EAI_AGAIN", "dns_failed"],
  ["EDNS", "dns_failed"],
  ["ETIMEDOUT", "timed_out"],
  ["EPROTO", "tls_failed"],
  ["ETLS", "tls_failed"],
  ["EPROTOCOL", "unexpected_answer"],
  ["EFLOOD", "unexpected_answer"],
];
const otherCodes: [code: string, reason: Reason][] = [
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls_failed"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "tls_failed"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls_failed"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "tls_failed"],
  ["EHOSTUNREACH", "network_failed"],
  ["ENETUNREACH", "network_failed"],
  ["constructor", "network_failed"],
];
for (const [code, reason] of [...codeCases, ...otherCodes]) {
  test(`networkOutcome() makes of ${code}: retry, ${reason}`, () => {
    const outcome = networkOutcome(Object.assign(new Error("no"), { code }), "http://there");
    assert.deepEqual([outcome.kind, outcome.reason], ["retry", reason]);
    assert.match(String(outcome.detail), /^Cannot reach http:\/\/there: /);
  });
}

test("networkRows holds no row that is not tested here", () => {
  assert.deepEqual(Object.keys(networkRows).sort(), codeCases.map(([code]) => code).sort());
});

/** What OpenSSL says, by the words that count. */
const wordCases: [words: string, message: string, reason: Reason][] = [
  ["certificate", "self-signed certificate in certificate chain", "tls_failed"],
  ["tls", "Client network socket disconnected before secure TLS connection was established", "tls_failed"],
  ["ssl", "error:0A0000C6:SSL routines::packet length too long", "tls_failed"],
  ["wrong version", "wrong version number", "tls_failed"],
];
for (const [words, message, reason] of wordCases) {
  test(`networkOutcome() makes of the words "${words}": retry, ${reason}`, () => {
    const socketError = Object.assign(new Error(message), { code: "ESOCKET" });
    assert.equal(networkOutcome(socketError, "smtp://h").reason, reason);
  });
}

test("networkOutcome() finds the system's code behind Nodemailer's", () => {
  const error = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:25"), { code: "ESOCKET" });
  assert.equal(networkOutcome(error, "smtp://h").reason, "connection_refused");
});

test("networkOutcome() tells what the way out found", () => {
  const error = new OutboundError("proxy_failed", ({ proxy }) => proxy.noLogin("http://p:3128"));
  const outcome = networkOutcome(error, "https://h");
  assert.equal(outcome.reason, "proxy_failed");
  assert.equal(
    outcome.detail.in("en"),
    "Cannot reach https://h: the proxy at http://p:3128 asks for a login, and its URL has none (407)",
  );
  assert.equal(
    outcome.detail.in("pt-BR"),
    "Não foi possível acessar https://h: o proxy http://p:3128 exige login, e a URL não tem nenhum (407)",
  );
});

test("codeOfWords holds no row that is not tested here", () => {
  assert.deepEqual(Object.keys(codeOfWords).sort(), wordCases.map(([words]) => words).sort());
});

test("networkOutcome() tells of an error without a code that the network failed", () => {
  for (const error of [new Error("no"), "no", null, undefined]) {
    const detail = "Cannot reach http://h: the network failed";
    assert.deepEqual(plain(networkOutcome(error, "http://h")), { kind: "retry", reason: "network_failed", detail });
  }
});
