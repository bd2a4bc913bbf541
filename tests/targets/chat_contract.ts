/** What every chat must do, beside what every target must: one suite that each chat's own tests run. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { noteOf } from "../../lib/connectvets/note.ts";
import type { ReadableEvent } from "../../lib/event.ts";
import { formatId } from "../../lib/id.ts";
import { localeNames } from "../../lib/locale/mod.ts";
import { redactor } from "../../lib/secret.ts";
import { readable } from "../../lib/sources/view.ts";
import { systemEvent } from "../../lib/system_event.ts";
import type { Delivery } from "../../lib/targets/target.ts";
import { type ChatSetup, pauseOf, send, show } from "../helpers/chat.ts";
import { halfAnswer, hang, reset, type Respond } from "../helpers/sink.ts";
import { makeDelivery, makeEvent, makeTarget } from "../helpers/target.ts";
import type { VendorAnswer } from "../helpers/vendors/server.ts";
import { reasonOf, testContract } from "./contract.ts";

/** Answers 400 and repeats all that was asked, as proxies do. */
const echo: Respond = (response, { path, headers, body }) =>
  void response.writeHead(400).end(`bad request: ${path} ${JSON.stringify(headers)} ${body}`);

const event = (data: object): Delivery => makeDelivery(makeEvent({ event: "note.failed", data }));

/** A function of the config, which must not be called. */
const fail = (): never => {
  throw new Error("a function of the config was called");
};

/** A payload as these tests make it. */
type Payload = { data: Record<string, string> };

const FAMILY = "👨‍👩‍👧‍👦🇧🇷";

/** Runs the suite. */
export function testChat(chat: ChatSetup): void {
  const { kind, hostile, bold, readAs = (text: string) => text, limited, failing, permanent, inside } = chat;
  const [sizeOf, max] = chat.size;

  const against = (...answers: (VendorAnswer | Respond)[]) => async (options: object) => {
    const { sink, close } = await chat.start(...answers);
    return { target: makeTarget(chat.target, { ...chat.options(sink.url), ...options }), close };
  };

  testContract(kind, {
    good: against(),
    failing: against(failing),
    refusing: against(permanent[0]![0]),
    hanging: against(hang),
    at: (authority, options) => makeTarget(chat.target, { ...chat.options(`http://${authority}`), ...options }),
    hostile: {
      "a page in place of the vendor's answer": {
        make: against({ status: 200, body: "<html>Sign in to this network</html>" }),
        kind: "retry",
        reason: "unexpected_answer",
      },
      "a proxy's error page": {
        make: against({ status: 502, body: "<html>Bad gateway</html>" }),
        kind: "retry",
        reason: "server_failed",
      },
      "an error in an answer that says 200": { make: against(inside[0]), kind: inside[1], reason: inside[2] },
      "a connection that is cut": { make: against(reset), kind: "retry", reason: "connection_reset" },
      "half an answer": {
        make: against(halfAnswer),
        ...(chat.isTakenByStatus ? { kind: "delivered" } : { kind: "retry", reason: "unexpected_answer" }),
      },
      "a redirect": {
        make: against({ status: 302, headers: { Location: "/login" } }),
        kind: "dead",
        reason: "redirected",
      },
    },
    secrets: chat.secrets,
  });

  for (
    const [locale, title, todo] of [["pt-BR", "Falha na nota: ", "O que fazer:"], [
      "en",
      "Note failed: ",
      "What to do:",
    ]]
  ) {
    test(`${kind} sends a default message in ${locale}`, async () => {
      const { text } = await show(chat, { locale });
      for (const part of [`${title}consulta-7`, todo!, "nota-42", "note.failed"]) {
        assert.ok(readAs(text).includes(part), `${part} in: ${text}`);
      }
    });
  }

  test(`${kind} lets nothing in an event format, link or mention in the config's text`, async () => {
    const { text, effects } = await show(chat, { text: (e: Payload) => e.data.name }, event({ name: hostile }));
    assert.deepEqual(effects, []);
    assert.equal(readAs(text), hostile);
  });

  test(`${kind} lets nothing in an event format, link or mention in a default message`, async () => {
    const line = hostile.replaceAll(/\s+/g, " ").trim().slice(0, 79);
    const note = noteOf({ name: line, note_sections: [{ title: line, content: hostile, order: "1" }] });
    const data = { name: line, note_id: line, external_id: line, error: { code: line, message: line } };
    const evil = makeDelivery(makeEvent({ event: "note.failed", data }, { note }));
    const { text, effects } = await show(chat, { includeNoteText: true }, evil);
    assert.deepEqual(
      effects.filter((effect) => /^(?:mention|link|emoji|date|entity|line|italic|strike|spoiler)/.test(effect)),
      [],
    );
    assert.ok(readAs(text).includes(line), text);
  });

  if (bold) {
    test(`${kind} leaves the config's own markup`, async () => {
      const [mark, effect] = bold;
      const text = (e: Payload) => `${mark}${e.data.note_id}${mark} CLIENTE_123`;
      const shown = await show(chat, { text }, event({ note_id: "n_1 x" }));
      assert.deepEqual(shown, { text: "n_1 x CLIENTE_123", effects: [`${effect}: n_1 x`] });
    });

    test(`${kind} closes the markup of a text that is cut`, async () => {
      const [mark, effect] = bold;
      const { text, effects } = await show(chat, { text: mark + "xy ".repeat(20_000) + `z${mark}` });
      assert.deepEqual(effects, [`${effect}: ${text}`]);
      assert.match(text, /^(?:xy )+x?y?…$/);
    });
  }

  test(`${kind} cuts long data at a character, never in the midst of an emoji`, async () => {
    for (let pad = 0; pad <= 12; pad++) {
      const name = "x".repeat(pad) + FAMILY.repeat(4_000);
      const { outcome, requests, shown } = await send(chat, { text: (e: Payload) => e.data.name }, event({ name }));
      assert.equal(outcome.kind, "delivered", JSON.stringify(outcome));
      const size = sizeOf(requests[0]!);
      assert.ok(size <= max && size > max - 100, `${size} of ${max}`);
      assert.match(shown[0]!.text.split("\n").at(-1)!, /^x*(?:👨‍👩‍👧‍👦|🇧🇷)+…$/u);
    }
  });

  test(`${kind} cuts long data and a long default message outside its escapes`, async () => {
    const name = hostile.replaceAll("\n", " ").repeat(Math.ceil(60_000 / hostile.length));
    for (let pad = 0; pad <= 12; pad++) {
      const text = (e: Payload) => "x".repeat(pad) + e.data.name;
      const shown = await show(chat, { text }, event({ name }));
      assert.deepEqual(shown.effects, []);
      const [, kept] = /^(?:.*\n)?(.*)…$/.exec(readAs(shown.text))!;
      assert.ok(("x".repeat(pad) + name).startsWith(kept!), kept!.slice(-40));
    }
    const note_sections = Array.from({ length: 20 }, (_, at) => ({ title: name, content: name, order: String(at) }));
    const note = noteOf({ name, note_sections });
    const long = makeDelivery(makeEvent({ event: "note.failed", data: { note_id: name } }, { note }));
    const { outcome, requests } = await send(chat, { includeNoteText: true }, long);
    assert.equal(outcome.kind, "delivered", JSON.stringify(outcome));
    assert.ok(sizeOf(requests[0]!) <= max);
  });

  test(`${kind} waits as long as the vendor asks`, async () => {
    const { outcome } = await send(chat, {}, makeDelivery(), limited[0]);
    assert.deepEqual(pauseOf(outcome), ["retry", "rate_limited", limited[1]]);
  });

  test(`${kind} waits where the vendor sets a limit and does not say how long`, async () => {
    const { outcome } = await send(chat, {}, makeDelivery(), limited[2]);
    const [outcomeKind, reason, ms] = pauseOf(outcome);
    assert.deepEqual([outcomeKind, reason], ["retry", "rate_limited"]);
    assert.ok(typeof ms === "number" && ms >= 1_000, String(ms));
  });

  for (const status of [500, 502, 503, 504]) {
    test(`${kind} is tried again after a ${status}`, async () => {
      const { outcome } = await send(chat, {}, makeDelivery(), { ...failing, status });
      assert.deepEqual(pauseOf(outcome).slice(0, 2), ["retry", "server_failed"]);
    });
  }

  for (const [answer, reason, expected = "dead"] of permanent) {
    test(`${kind} is ${expected}, ${reason}, after ${answer.status} ${JSON.stringify(answer.body)?.slice(0, 60)}`, async () => {
      const { outcome } = await send(chat, {}, makeDelivery(), answer);
      assert.deepEqual([outcome.kind, reasonOf(outcome)], [expected, reason]);
    });
  }

  test(`${kind} shows no secret, even where the other side repeats the request`, async () => {
    const { outcome, target, requests } = await send(chat, {}, makeDelivery(), echo);
    assert.ok(outcome.kind === "dead");
    const sent = `${requests[0]!.path} ${JSON.stringify(requests[0]!.headers)} ${requests[0]!.body}`;
    const redact = redactor(target.secrets);
    const told = [target.address, redact(outcome.answer!), redact(sent)];
    const details = localeNames.map((locale) => outcome.detail.map(redact).in(locale));
    for (const secret of chat.secrets) {
      for (const text of [...told, ...details]) assert.ok(!text.includes(secret), `${secret} in: ${text}`);
    }
  });

  test(`${kind} sends a test message and an alarm without calling a function of the config`, async () => {
    const own = { text: fail, ...Object.fromEntries(chat.target.fields.map((field) => [field, fail])) };
    for (
      const [type, data, title] of [
        ["relay.test", { target: "alvo" }, "Test message from relay"],
        ["relay.alarm.begin", { alarm: "dead", limit: 1, since: "2026-01-02T06:34:56.000Z" }, "Relay alarm"],
      ] as const
    ) {
      const { text } = await show(
        chat,
        { ...own, ...functionsOf(chat), locale: "en" },
        makeDelivery(systemMade(type, data), { message: own }),
      );
      assert.ok(text.includes(title), text);
    }
  });

  test(`${kind} tells the text of a note's sections only where the config asks for it`, async () => {
    const note = noteOf({ note_sections: [{ title: "Anamnese", content: "Rex come bem.\nBebe pouco.", order: "1" }] });
    const delivery = makeDelivery(makeEvent(undefined, { note }));
    const { text } = await show(chat, { includeNoteText: true }, delivery);
    for (const part of ["Anamnese", "Rex come bem.", "Bebe pouco."]) assert.ok(text.includes(part), text);
    assert.ok(!(await show(chat, {}, delivery)).text.includes("Rex"));
  });

  test(`${kind} sends the route's text in place of the target's`, async () => {
    const delivery = makeDelivery(makeEvent(), { message: { text: () => "da rota" } });
    const { text } = await show(chat, { text: "do destino" }, delivery);
    assert.ok(text.includes("da rota") && !text.includes("do destino"), text);
  });

  test(`${kind} is dead and sends nothing where the text's function gives none`, async () => {
    const { outcome, requests } = await send(chat, { text: () => 42 });
    assert.deepEqual([outcome.kind, reasonOf(outcome), requests.length], ["dead", "message_invalid", 0]);
  });
}

/** Functions for every other option that takes one. */
function functionsOf(chat: ChatSetup): Record<string, unknown> {
  const names = ["title", "click", "thread"];
  return Object.fromEntries(names.flatMap((name) => {
    const options = { ...chat.options("http://127.0.0.1"), [name]: fail };
    return chat.target.schema.safeParse(options).success ? [[name, fail]] : [];
  }));
}

function systemMade(...[type, data]: ["relay.test" | "relay.alarm.begin", object]): ReadableEvent {
  const made = systemEvent(type, ["alvo"], data as never, Date.parse("2026-01-02T12:34:56Z"));
  const { id, source, receivedAt, body, headers } = made;
  return readable({ id: formatId(id), source, type, receivedAt, body, headers }, []);
}
