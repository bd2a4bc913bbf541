/** Recipients: how their lanes are called, and how much of them people are shown. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isNamed,
  isRecipient,
  laneOf,
  lanesNamed,
  maskNumbers,
  maskRecipients,
  targetOfLane,
} from "../lib/recipient.ts";

const ANA = "whats/+5531999998888";
const BSUID = "whats/BR.13491208655302741918";

test("isRecipient() takes a number in E.164 and a business-scoped id, and nothing else", () => {
  for (const one of ["+5531999998888", "+14155550100", "BR.13491208655302741918", "US.ENT.11815799212886844830"]) {
    assert.ok(isRecipient(one), one);
  }
  for (const one of ["5531999998888", "+55 31 99999-8888", "+55", "crm", "BR.", "br.123456", "", "+5531999998888x"]) {
    assert.ok(!isRecipient(one), one);
  }
});

test("targetOfLane() takes a recipient off, and leaves any other name as it is", () => {
  assert.deepEqual([ANA, BSUID, laneOf("a/b", "+5531999998888")].map(targetOfLane), ["whats", "whats", "a/b"]);
  for (const name of ["crm", "a/b", "a/+", "relay::connectvets x/y", "/"]) assert.equal(targetOfLane(name), name);
});

test("maskRecipients() leaves the last four digits of each recipient of a text", () => {
  assert.equal(maskRecipients(`failed ${ANA}, ${BSUID}: 500`), "failed whats/…8888, whats/…1918: 500");
  assert.equal(maskRecipients(`{"target":"${ANA}"}`), '{"target":"whats/…8888"}');
  const others = ["https://graph.example/v23.0/1055/messages", "3/4", "+5531999998888", "/+5531999998888", "a/+1"];
  for (const text of others) assert.equal(maskRecipients(text), text);
});

test("lanesNamed() finds a lane by its own name, its target's, and the one that people are shown", () => {
  const lanes = ["crm", ANA, "whats/+5531999997777", "whatsapp", "outro/+5531999998888"];
  const rows: [string, string[]][] = [
    ["crm", ["crm"]],
    ["whats", [ANA, "whats/+5531999997777"]],
    [ANA, [ANA]],
    ["whats/…8888", [ANA]],
    ["what", []],
  ];
  for (const [name, expected] of rows) assert.deepEqual(lanesNamed(name, lanes), expected, name);
  assert.ok(!isNamed("crm", "cr"));
});

test("maskNumbers() leaves the last four of a number or id, however a vendor writes it", () => {
  const numbers = [
    "+5531999998888",
    "5531999998888@s.whatsapp.net",
    "+55 (31) 99999-8888",
    "+55\u00a031\u00a099999\u20118888",
    "55 31 99999\u20138888",
    "31 - 99999 - 8888",
    "31/99999-8888",
    "55_31_99999_8888",
    "5\u200b5\u200b31\u200b99999\u200b8888",
    "99999-8888",
  ];
  for (const one of numbers) {
    assert.match(maskNumbers(`to ${one}: no`), /^to …8888(@s\.whatsapp\.net)?: no$/, one);
  }
  assert.equal(maskNumbers("to BR.AbcDefGhi1918, US.ENT.11815799212886844830"), "to …1918, …4830");
});

test("maskNumbers() leaves codes and times as they are", () => {
  for (const text of ["Error 131026 (WhatsApp): v25.0", "after 3600000 ms", "AbcDef.1234"]) {
    assert.equal(maskNumbers(text), text);
  }
});
