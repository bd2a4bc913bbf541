/** Digests: when they go out, what they say on each kind of target, and what a config may say of them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { evolution, slack } from "../../lib/config/mod.ts";
import { readConfig } from "../../lib/config/schema.ts";
import { digestNotice } from "../../lib/messages/digest_notice.ts";
import type { MessageStyle } from "../../lib/messages/style.ts";
import { digestAt, digestId } from "../../lib/targets/digest.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import { slackTarget } from "../../lib/targets/slack.ts";
import type { Target } from "../../lib/targets/target.ts";
import { telegramTarget } from "../../lib/targets/telegram.ts";
import { whatsappTarget } from "../../lib/targets/whatsapp.ts";
import { attempt } from "../helpers/attempt.ts";
import { problemOf } from "../helpers/issues.ts";
import { startMail } from "../helpers/mail.ts";
import { startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeEvent, makeTarget, never } from "../helpers/target.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const rows: [everyMs: number, zone: string, at: string, goesAt: string][] = [
  [15 * MINUTE, "UTC", "2026-03-02T14:00:00.001Z", "2026-03-02T14:15:00Z"],
  [15 * MINUTE, "UTC", "2026-03-02T14:15:00Z", "2026-03-02T14:30:00Z"],
  [15 * MINUTE, "Asia/Kathmandu", "2026-03-02T14:03:00Z", "2026-03-02T14:15:00Z"],
  [1_000, "UTC", "2026-03-02T14:03:00.999Z", "2026-03-02T14:03:01Z"],
  [6 * HOUR, "America/Sao_Paulo", "2026-03-02T14:03:00Z", "2026-03-02T18:00:00Z"],
  [DAY, "UTC", "2026-03-02T14:03:00Z", "2026-03-03T00:00:00Z"],
  [DAY, "America/Sao_Paulo", "2026-03-02T02:59:00Z", "2026-03-02T03:00:00Z"],
  [DAY, "America/Sao_Paulo", "2026-03-02T03:00:00Z", "2026-03-03T03:00:00Z"],
  [DAY, "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"], // midnight is skipped
  [DAY, "America/St_Johns", "2010-11-07T02:20:00Z", "2010-11-07T03:30:00Z"], // midnight comes twice
  [DAY, "America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07T03:30:00Z"],
  [7 * DAY, "UTC", "2026-03-02T14:03:00Z", "2026-03-05T00:00:00Z"],
];

for (const [everyMs, zone, at, goesAt] of rows) {
  test(`digestAt() is the next time of a digest: every ${everyMs / 1_000} s in ${zone}, at ${at}`, () => {
    const found = digestAt({ everyMs, max: 50, zone }, Date.parse(at));
    assert.equal(new Date(found).toISOString(), new Date(goesAt).toISOString());
  });
}

test("digestAt() is later, at most the span away and an hour, and no earlier for what comes later", () => {
  const some = {
    everyMs: fc.constantFrom(1_000, 7_000, MINUTE, 15 * MINUTE, HOUR, DAY, 2 * DAY),
    zone: fc.constantFrom("UTC", "America/Sao_Paulo", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"),
    at: fc.integer({ min: Date.parse("2009-01-01"), max: Date.parse("2027-01-01") }),
    laterMs: fc.integer({ min: 0, max: DAY }),
  };
  fc.assert(fc.property(fc.record(some), ({ everyMs, zone, at, laterMs }) => {
    const digest = { everyMs, max: 50, zone };
    const goesAt = digestAt(digest, at);
    assert.ok(goesAt > at && goesAt <= at + everyMs + (everyMs < DAY ? 0 : HOUR));
    assert.ok(digestAt(digest, at + laterMs) >= goesAt);
    assert.ok(digestAt(digest, goesAt - 1) === goesAt || everyMs >= DAY);
  }));
});

const ID = "0190b0f0-0000-7000-8000-00000000000";

/** Deliveries of events that came in a minute apart. */
const deliveriesOf = (...payloads: object[]) =>
  payloads.map((payload, index) => {
    const receivedAt = Date.UTC(2026, 2, 2, 17, index);
    return makeDelivery(makeEvent(payload, { receivedAt }), { id: `${ID}${index}` });
  });

const failed = { event: "note.failed", data: { note_id: "n1", name: "Rex" } };
const ready = { event: "note.completed", data: { note_id: "n2", external_id: "consulta-8" } };
const hostile = { event: "note.failed", data: { note_id: "<!channel>", name: "A&B <b>" } };
const three = deliveriesOf(ready, failed, ready);

test("digestId() is a UUID, the same for the same deliveries and no others", () => {
  assert.match(digestId(three), /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
  assert.equal(digestId(three), digestId(deliveriesOf(ready, failed, ready)));
  assert.notEqual(digestId(three), digestId(three.slice(1)));
});

const style: MessageStyle = { locale: "pt-BR", timeZone: "America/Sao_Paulo", includeNoteText: false };
const events = three.map(({ event }) => event);

test("digestNotice() counts events by kind and lists them, in both languages", () => {
  const notice = digestNotice(events, style);
  assert.deepEqual([notice.tone, notice.title, notice.what], [
    "bad",
    "3 eventos, das 14:00 às 14:02",
    ["2 × Nota pronta", "1 × Falha na nota"],
  ]);
  assert.deepEqual(notice.facts, [
    ["14:00", "Nota pronta: consulta-8"],
    ["14:01", "Falha na nota: Rex"],
    ["14:02", "Nota pronta: consulta-8"],
  ]);
  assert.match(notice.origin, /America\/Sao_Paulo$/);
  const english = digestNotice(events, { ...style, locale: "en", pagesUrl: "https://relay.example" });
  assert.deepEqual([english.title, english.what], ["3 events from 14:00 to 14:02", [
    "2 × Note ready",
    "1 × Note failed",
  ]]);
  assert.equal(english.link?.url, "https://relay.example/events");
});

test("digestNotice() tells the day of events of several days", () => {
  const [first, , last] = events;
  const notice = digestNotice([first!, { ...last!, receivedAt: first!.receivedAt + DAY }], { ...style, locale: "en" });
  assert.equal(notice.title, "2 events from Mar 02, 14:00 to Mar 03, 14:00");
  assert.deepEqual(notice.facts.map(([time]) => time), ["Mar 02, 14:00", "Mar 03, 14:00"]);
});

test("digestNotice() counts the rarest of many kinds together, and tells whether the news is good", () => {
  const many = Array.from({ length: 14 }, (_, index) => makeEvent({ event: `kind${index}`, data: {} }));
  const { what, tone } = digestNotice(many, style);
  assert.deepEqual([what.length, what.at(-1), tone], [11, "mais 4", "neutral"]);
  assert.equal(digestNotice([events[0]!, events[2]!], style).tone, "good");
});

/** Delivers these in one message to an endpoint that answers so; gives what arrived as JSON. */
async function post(make: (url: string) => Target, deliveries = three, answer = "ok") {
  const sink = await startSink(status(200, answer));
  try {
    const outcome = await attempt(make(sink.url), () => deliveries, never);
    return { outcome, messages: sink.requests.map(({ body }) => JSON.parse(body.toString())) };
  } finally {
    await sink.close();
  }
}

type Seen = readonly { event: string; data: { note_id: string; name?: string } }[];
const text = (events: Seen) => events.map(({ data }) => `<b>${data.name ?? data.note_id}</b>`).join("\n");

test("slack.deliverAll() posts one message of several events", async () => {
  const { outcome, messages } = await post((url) => makeTarget(slackTarget, { url, digest: { every: "15m" } }));
  assert.equal(outcome?.kind, "delivered");
  assert.equal(messages.length, 1);
  assert.match(messages[0].text, /^\*3 eventos, das 14:00 às 14:02\*\n2 × Nota pronta\n1 × Falha na nota\n/);
  assert.match(JSON.stringify(messages[0].blocks), /14:01.*Falha na nota: Rex/);
});

test("slack.deliverAll() posts the config's text, which sees events that are escaped", async () => {
  const digest = { every: "15m", text };
  const { messages } = await post((url) => makeTarget(slackTarget, { url, digest }), deliveriesOf(ready, hostile));
  assert.deepEqual(messages, [{ text: "<b>n2</b>\n<b>A&amp;B &lt;b&gt;</b>" }]);
});

test("slack.renderAll() makes a message that Slack takes of a hundred events", () => {
  const target = makeTarget(slackTarget, { url: "https://hooks.slack.example/x", digest: { every: "15m" } });
  const long = { event: "note.failed", data: { name: "x".repeat(500) } };
  const message = target.renderAll!(Array.from({ length: 100 }, () => deliveriesOf(long)[0]!));
  assert.ok((message.blocks as unknown[]).length <= 50 && (message.text as string).length <= 40_000);
});

test("a chat's deliverAll() posts one message of several events, cut to what the chat takes", async () => {
  const make = (digest: object) => (baseUrl: string) =>
    makeTarget(telegramTarget, { token: "123:abc", chat: 5, baseUrl, digest: { every: "15m", ...digest } });
  const many = deliveriesOf(...Array.from({ length: 10 }, (_, index) => index === 0 ? hostile : ready));
  const { outcome, messages } = await post(make({}), many, '{"ok":true}');
  assert.equal(outcome?.kind, "delivered");
  assert.equal(messages.length, 1);
  assert.match(messages[0].text, /^🔴 <b>10 eventos, das 14:00 às 14:09<\/b>\n9 × Nota pronta\n1 × Falha na nota\n/);
  assert.match(messages[0].text, /<b>14:00:<\/b> Falha na nota: A&amp;B &lt;b&gt;\n/);
  const own = await post(make({ text }), deliveriesOf(ready, hostile), '{"ok":true}');
  assert.equal(own.messages[0].text, "<b>n2</b>\n<b>A&amp;B &lt;b&gt;</b>");
  const cut = await post(make({ text: () => "x".repeat(9_000) }), three, '{"ok":true}');
  assert.equal(cut.messages[0].text.length, 4_096);
});

test("email.deliverAll() sends one mail of several events, with an id of its own that stays the same", async () => {
  const server = await startMail();
  const addresses = { from: "relay@clinica.example", to: "a@clinica.example", via: `smtp://127.0.0.1:${server.port}` };
  const target = makeTarget(emailTarget, { ...addresses, digest: { every: "15m" } });
  const own = makeTarget(emailTarget, { ...addresses, subject: () => "a note", digest: { every: "15m", text } });
  try {
    for (const one of [target, target, own]) {
      assert.equal((await attempt(one, () => three, never))?.kind, "delivered");
    }
    const [first, again, third] = server.mails.map(({ raw }) =>
      raw.replaceAll(/(?<!\?)=\r\n/g, "").replaceAll(/\r\n[ \t]+/g, " ").replaceAll(
        /(=[0-9A-F]{2})+/g,
        (one) => Buffer.from(one.replaceAll("=", ""), "hex").toString(),
      )
    );
    const idOf = (mail = "") => /^Message-ID: <(.*)>\r$/m.exec(mail)?.[1];
    assert.deepEqual([idOf(first), idOf(again)], Array(2).fill(`${digestId(three)}@clinica.example`));
    assert.match(first!, /^Subject: .*3_eventos,_das_14:00_às_14:02/m);
    assert.match(first!, /14:01: Falha na nota: Rex\r\n/);
    assert.match(first!, /<dt[^>]*>14:01<\/dt><dd[^>]*>Falha na nota: Rex<\/dd>/);
    assert.doesNotMatch(first!, /^Relay-Event/mi);
    assert.match(third!, /<b>n2<\/b>\r\n<b>Rex<\/b>/);
    assert.doesNotMatch(third!, /text\/html/);
  } finally {
    for (const one of [target, own]) one.close?.();
    await server.close();
  }
});

const wrongTexts: [text: () => unknown, problem: RegExp][] = [
  [() => "", /^Cannot make the digest\.text: .*an empty text$/],
  [() => 5, /digest\.text.*a number/],
  [() => {
    throw new Error("no");
  }, /digest\.text.*no/],
];

for (const [text, problem] of wrongTexts) {
  test(`deliverAll() gives up where the config's text is ${text}`, async () => {
    const { outcome, messages } = await post((url) => makeTarget(slackTarget, { url, digest: { every: "15m", text } }));
    assert.deepEqual([outcome?.kind, outcome?.kind === "dead" && outcome.reason, messages], [
      "dead",
      "message_invalid",
      [],
    ]);
    assert.match(String(outcome?.kind === "dead" && outcome.detail), problem);
  });
}

test("a target's policy has its quiet hours in the config's time zone, and no order where it makes digests", () => {
  const quiet = { from: "20:00", to: "07:00" };
  const given = { url: "https://hooks.slack.example/x", order: () => "key", timeZone: "America/Manaus" };
  const { policy } = makeTarget(slackTarget, { ...given, quiet, digest: { every: "15m" } });
  assert.deepEqual(policy.quiet, { from: 1_200, to: 420, zone: "America/Sao_Paulo", except: [] });
  assert.deepEqual([policy.digest, policy.order], [
    { everyMs: 15 * MINUTE, max: 50, zone: "America/Manaus" },
    undefined,
  ]);
  const other = makeTarget(slackTarget, { ...given, quiet: { ...quiet, zone: "Asia/Kathmandu" } }).policy;
  assert.deepEqual([other.quiet?.zone, other.digest, other.order], ["Asia/Kathmandu", undefined, given.order]);
});

test("each recipient of WhatsApp has the quiet hours of its target", () => {
  const via = evolution({ url: "http://127.0.0.1:1", instance: "clinica", apiKey: "key" });
  const quiet = { from: "20:00", to: "07:00", except: ["note.failed"] };
  const { recipients } = makeTarget(whatsappTarget, { via, to: ["+5531999998888", "+5511988887777"], quiet });
  const read = { from: 1_200, to: 420, zone: "America/Sao_Paulo", except: ["note.failed"] };
  assert.deepEqual(recipients!.map(({ policy }) => policy.quiet), [read, read]);
});

const mistakes: [options: object, problem: RegExp][] = [
  [{ digest: { every: "0s" } }, /^targets\.chat\.digest\.every: expected more than 0, got "0s"$/],
  [{ digest: {} }, /^targets\.chat\.digest\.every: is missing/],
  [{ digest: { every: "1h", max: 101 } }, /^targets\.chat\.digest\.max: expected at most 100, got 101$/],
  [{ digest: "15m" }, /^targets\.chat\.digest: expected an object such as \{ every: "15m" \}/],
  [{ quiet: { from: "8:00", to: "19:00" } }, /^targets\.chat\.quiet\.from: expected a time .*"08:00"\?$/],
  [{ quiet: { from: "20h", to: "7pm" } }, /^targets\.chat\.quiet\.from: expected .*did you mean "20:00"\?$/],
  [
    { quiet: { from: "20:00", to: "07:00", zone: "Sao Paulo" } },
    /^targets\.chat\.quiet\.zone: expected an IANA .*did you mean "America\/Sao_Paulo"\?$/,
  ],
  [{ quiet: { from: "20:00", to: "20:00" } }, /^targets\.chat\.quiet\.to: is the same as `from`/],
  [{ quiet: { form: "20:00", to: "07:00" } }, /^targets\.chat\.quiet: unknown option "form"|quiet\.from: is miss/],
];

for (const [options, problem] of mistakes) {
  test(`a config with ${JSON.stringify(options)} is refused`, () => {
    const chat = slack({ url: "https://hooks.example/T/B/x", ...options as object });
    const { issues } = readConfig({ sources: {}, targets: { chat }, routes: [] }, "/");
    const [found] = issues.map(problemOf).filter((one) => one.startsWith("targets"));
    assert.match(found ?? "", problem);
  });
}
