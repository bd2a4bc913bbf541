/** The default message: what it says of every event, and that no payload can upset it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultMessage, type Locale, localeShape } from "../../lib/targets/default_message.ts";
import { makeEvent } from "../helpers/target.ts";

const inSaoPaulo = (payload: object, locale: Locale = "pt-BR") =>
  defaultMessage(makeEvent(payload), locale, "America/Sao_Paulo");

const titles: [type: string, portuguese: string, english: string][] = [
  ["note.processing", "Nota em processamento", "Note is being processed"],
  ["note.completed", "Nota concluída", "Note completed"],
  ["note.failed", "Falha no processamento da nota", "Note failed"],
  ["note.transcription.completed", "Transcrição concluída", "Transcription completed"],
  ["note.transcription.failed", "Falha na transcrição", "Transcription failed"],
  ["note.archived", "Evento note.archived", "Event note.archived"],
  ["constructor", "Evento constructor", "Event constructor"],
  ["__proto__", "Evento __proto__", "Event __proto__"],
  ["a\r\n\0b", "Evento a b", "Event a b"],
];
for (const [type, portuguese, english] of titles) {
  test(`defaultMessage() has a title for ${JSON.stringify(type)} in both languages`, () => {
    assert.equal(inSaoPaulo({ event: type }).title, portuguese);
    assert.equal(inSaoPaulo({ event: type }, "en").title, english);
  });
}

const full = {
  event: "note.transcription.failed",
  timestamp: "2024-07-01T02:03:04Z",
  data: { id: "n1", name: "Rex", external_id: "c7", error: { code: "E1", message: "sem áudio" } },
};

test("defaultMessage() gives what is known, most important first", () => {
  assert.deepEqual(inSaoPaulo(full).facts, [
    ["Erro", "E1: sem áudio"],
    ["Paciente", "Rex"],
    ["Nota", "n1"],
    ["Referência do cliente", "c7"],
    ["Horário", "30/06/2024, 23:03:04 (America/Sao_Paulo)"],
    ["Evento", "note.transcription.failed"],
  ]);
  const labels = inSaoPaulo(full, "en").facts.map(([label]) => label);
  assert.deepEqual(labels, ["Error", "Patient", "Note", "Client reference", "Time", "Event"]);
});

test("defaultMessage() leaves out what is not known", () => {
  const { facts } = inSaoPaulo({ event: "note.failed", data: { error: { code: "E1" }, external_id: "" } });
  assert.deepEqual(facts.map(([label, value]) => label === "Horário" ? label : value), [
    "E1",
    "Horário",
    "note.failed",
  ]);
});

test("defaultMessage() prefers note_id to id, and takes numbers", () => {
  const facts = Object.fromEntries(inSaoPaulo({ event: "note.failed", data: { id: 1, note_id: 42 } }).facts);
  assert.equal(facts.Nota, "42");
});

for (const timestamp of [undefined, null, 12, "yesterday", "9".repeat(40), {}]) {
  test(`defaultMessage() gives the time of receipt where the event's own is ${JSON.stringify(timestamp)}`, () => {
    const facts = Object.fromEntries(inSaoPaulo({ event: "note.failed", timestamp, data: {} }).facts);
    assert.equal(facts["Horário"], "14/02/2024, 15:25:44 (America/Sao_Paulo)");
  });
}

test("defaultMessage() gives the time in any zone", () => {
  const { facts } = defaultMessage(makeEvent(full), "pt-BR", "Asia/Tokyo");
  assert.equal(Object.fromEntries(facts)["Horário"], "01/07/2024, 11:03:04 (Asia/Tokyo)");
});

for (const data of [undefined, null, 7, "text", [], { error: null }, { error: "E1" }, { name: {}, error: [{}] }]) {
  test(`defaultMessage() makes do with data that is ${JSON.stringify(data)}`, () => {
    const { title, facts } = inSaoPaulo({ event: "note.failed", data });
    assert.equal(title, "Falha no processamento da nota");
    assert.deepEqual(facts.map(([label]) => label), ["Horário", "Evento"]);
  });
}

test("defaultMessage() puts each value on one line of at most 500 characters, well formed", () => {
  const data = { name: "a\r\n\tb\u2028c\u0085\0d", note_id: `${"x".repeat(498)}💛💛`, external_id: "\ud800 \udc00" };
  const facts = Object.fromEntries(inSaoPaulo({ event: "note.failed", data }).facts);
  assert.equal(facts.Paciente, "a b c d");
  assert.equal(facts.Nota?.length, 500);
  assert.ok(facts.Nota?.isWellFormed() && facts.Nota.endsWith("…"));
  assert.equal(facts["Referência do cliente"], "\ufffd \ufffd");
});

test("localeShape knows its languages and the time zones of IANA", () => {
  assert.ok(localeShape.locale.safeParse("en").success);
  assert.ok(!localeShape.locale.safeParse("pt").success);
  assert.ok(localeShape.timeZone.safeParse("America/Manaus").success);
  assert.ok(!localeShape.timeZone.safeParse("Sao_Paulo").success);
});
