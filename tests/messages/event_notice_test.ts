/** What a default message says of every event, and that no payload can upset it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { noteOf } from "../../lib/connectvets/note.ts";
import { noticeOf } from "../../lib/messages/event_notice.ts";
import type { Notice } from "../../lib/messages/notice.ts";
import { localeShape, type MessageStyle } from "../../lib/messages/style.ts";
import { makeEvent } from "../helpers/target.ts";

const style: MessageStyle = { locale: "pt-BR", timeZone: "America/Sao_Paulo", includeNoteText: false };

const tell = (payload: object, parts: Partial<MessageStyle> = {}): Notice =>
  noticeOf(makeEvent(payload), { ...style, ...parts });

const factsOf = ({ facts }: Notice) => Object.fromEntries(facts);

const titles: [type: string, tone: string, portuguese: string, english: string][] = [
  ["note.processing", "neutral", "Nota em andamento", "Note in progress"],
  ["note.completed", "good", "Nota pronta", "Note ready"],
  ["note.failed", "bad", "Falha na nota", "Note failed"],
  ["note.transcription.completed", "good", "Transcrição pronta", "Transcription ready"],
  ["note.transcription.failed", "bad", "Falha na transcrição", "Transcription failed"],
  ["test", "good", "Teste do webhook", "Webhook test"],
  ["note.archived", "neutral", "Evento note.archived", "Event note.archived"],
  ["constructor", "neutral", "Evento constructor", "Event constructor"],
  ["__proto__", "neutral", "Evento __proto__", "Event __proto__"],
  ["a\r\n\0b", "neutral", "Evento a b", "Event a b"],
  [" ", "neutral", "Evento ?", "Event ?"],
];
for (const [type, tone, portuguese, english] of titles) {
  test(`noticeOf() says what happened and what to do of ${JSON.stringify(type)} in both languages`, () => {
    const [pt, en] = [tell({ event: type }), tell({ event: type }, { locale: "en" })];
    assert.deepEqual([pt.title, en.title], [portuguese, english]);
    assert.deepEqual([pt.tone, en.tone], [tone, tone]);
    assert.deepEqual([pt.todo[0], en.todo[0]], ["O que fazer", "What to do"]);
    for (const sentence of [...pt.what, pt.todo[1], ...en.what, en.todo[1]]) assert.match(sentence, /^\p{Lu}.*\.$/u);
    assert.notEqual(pt.what[0], en.what[0]);
  });
}

const failed = {
  event: "note.transcription.failed",
  timestamp: "2024-07-01T02:09:00Z",
  data: {
    id: "n1",
    name: "Rex",
    external_id: "c7",
    failed_at: "2024-07-01T02:03:04Z",
    error: { code: "AUDIO_QUALITY_LOW", message: "Áudio com qualidade insuficiente" },
  },
};

test("noticeOf() tells of a failed transcription why, of whom, when it failed, and what to do", () => {
  const notice = tell(failed);
  assert.equal(notice.title, "Falha na transcrição: Rex");
  assert.deepEqual(notice.what, [
    "O ConnectVets não conseguiu transcrever a gravação da nota de Rex.",
    "A qualidade do áudio é baixa demais para a transcrição.",
  ]);
  assert.match(notice.todo[1], /^Se houver outra gravação da consulta, envie-a/);
  assert.deepEqual(notice.facts, [
    ["Paciente", "Rex"],
    ["Referência", "c7"],
    ["Id da nota", "n1"],
    ["Quando", "dom., 30 de jun. de 2024, 23:03 (GMT-3)"],
    ["Detalhes do erro", "Áudio com qualidade insuficiente (AUDIO_QUALITY_LOW)"],
  ]);
  assert.equal(
    notice.origin,
    `Enviado automaticamente pelo relay. Evento ${makeEvent().id}, note.transcription.failed`,
  );
});

test("noticeOf() tells the same in English", () => {
  const notice = tell(failed, { locale: "en" });
  assert.equal(notice.title, "Transcription failed: Rex");
  assert.deepEqual(notice.what, [
    "ConnectVets could not transcribe the recording of the note for Rex.",
    "The audio quality is too low to transcribe.",
  ]);
  assert.deepEqual(notice.facts.map(([label]) => label), [
    "Patient",
    "Reference",
    "Note id",
    "When",
    "Error details",
  ]);
  assert.equal(factsOf(notice).When, "Sun, Jun 30, 2024, 23:03 (GMT-3)");
});

test("noticeOf() tells of an event in the guide's form whose note it is by the client's reference", () => {
  const notice = tell({ event: "note.failed", data: { note_id: "n1", status: "failed", external_id: "CLIENTE_123" } });
  assert.equal(notice.title, "Falha na nota: CLIENTE_123");
  assert.deepEqual(notice.what, ["O ConnectVets não conseguiu processar a nota com a referência CLIENTE_123."]);
});

const errors: [error: unknown, why: string | undefined][] = [
  [{ code: "E42", message: "Serviço\nindisponível" }, "Motivo informado: Serviço indisponível (E42)"],
  [{ message: "Serviço indisponível" }, "Motivo informado: Serviço indisponível"],
  [{ code: "E42" }, "Código do erro: E42"],
  [{ code: "constructor" }, "Código do erro: constructor"],
  [{ code: 42 }, "Código do erro: 42"],
  ["Serviço indisponível", "Motivo informado: Serviço indisponível"],
  [{ code: "INVALID_AUDIO_FORMAT" }, "O formato do arquivo de áudio não é aceito."],
  [{ code: {}, message: [] }, undefined],
  [null, undefined],
  [[], undefined],
];
for (const [error, why] of errors) {
  test(`noticeOf() says of the error ${JSON.stringify(error)}: ${why ?? "nothing"}`, () => {
    const notice = tell({ event: "note.failed", data: { error } });
    assert.deepEqual(notice.what.slice(1), why === undefined ? [] : [why]);
  });
}

test("noticeOf() leaves out what is not known", () => {
  const notice = tell({ event: "note.failed", data: { external_id: "", name: " \n", note_id: {} } });
  assert.equal(notice.title, "Falha na nota");
  assert.deepEqual(notice.what, ["O ConnectVets não conseguiu processar a nota."]);
  assert.deepEqual(notice.facts.map(([label]) => label), ["Quando"]);
});

test("noticeOf() prefers note_id to id, and takes numbers", () => {
  const notice = tell({ event: "note.failed", data: { id: 1, note_id: 42 } });
  assert.equal(factsOf(notice)["Id da nota"], "42");
  assert.equal(notice.title, "Falha na nota: 42");
});

for (const timestamp of [undefined, null, 12, "12", "yesterday", "2024-13-41T00:00:00Z", "9".repeat(40), {}]) {
  test(`noticeOf() gives the time of receipt where the event's own is ${JSON.stringify(timestamp)}`, () => {
    const { Quando } = factsOf(tell({ event: "note.failed", timestamp, data: { failed_at: timestamp } }));
    assert.equal(Quando, "qua., 14 de fev. de 2024, 15:25 (GMT-3)");
  });
}

test("noticeOf() gives the time in any zone", () => {
  const timeIn = (timeZone: string) => factsOf(tell(failed, { timeZone })).Quando;
  assert.equal(timeIn("Asia/Kolkata"), "seg., 1 de jul. de 2024, 07:33 (GMT+5:30)");
  assert.equal(timeIn("UTC"), "seg., 1 de jul. de 2024, 02:03 (GMT)");
});

for (const data of [undefined, null, 7, "text", [], { error: null }, { name: {}, error: [{}] }]) {
  test(`noticeOf() makes do with data that is ${JSON.stringify(data)}`, () => {
    const notice = tell({ event: "note.failed", data });
    assert.equal(notice.title, "Falha na nota");
    assert.deepEqual(notice.facts.map(([label]) => label), ["Quando"]);
  });
}

test("noticeOf() puts each value on one short line, well formed, that runs from left to right", () => {
  const data = { name: "a\r\n\tb\u2028c\u0085\0d", note_id: `${"x".repeat(78)}💛💛`, external_id: "\ud800 \udc00" };
  const facts = factsOf(tell({ event: "note.failed", data }));
  assert.equal(facts.Paciente, "a b c d");
  assert.equal(facts["Id da nota"], `${"x".repeat(78)}…`);
  assert.equal(facts["Referência"], "\ufffd \ufffd");
  const hidden = tell({ event: "note.failed", data: { name: "Rex \u202egnp\u2069\u200b.exe\u061c" } });
  assert.equal(hidden.title, "Falha na nota: Rex gnp.exe");
});

test("noticeOf() stays short however much came in", () => {
  const much = "palavra ".repeat(50_000);
  const data = { name: much, note_id: much, external_id: much, error: { code: much, message: much } };
  const notice = tell({ event: much, data });
  assert.ok(notice.title.length < 200, `${notice.title.length}`);
  assert.ok(JSON.stringify(notice).length < 1_500, `${JSON.stringify(notice).length}`);
});

const section = (order: string, title: string, content: string) => ({ id: order, title, label: title, content, order });
const note = noteOf({
  name: "Luna",
  external_id: "CLIENTE_9",
  note_sections: [section("2", "Conduta", "Dieta leve.\r\n\r\n\r\n\r\nRetorno."), section("1", "Anamnese", "Apatia.")],
});
const completed = { event: "note.completed", data: { note_id: "n1", status: "completed" } };

test("noticeOf() tells of a note in full whose it is and its sections' titles, and no clinical text", () => {
  const notice = noticeOf(makeEvent(completed, { note }), style);
  assert.equal(notice.title, "Nota pronta: Luna");
  assert.deepEqual(notice.what, ["A nota de Luna está pronta no ConnectVets."]);
  assert.equal(factsOf(notice)["Referência"], "CLIENTE_9");
  assert.equal(factsOf(notice)["Seções"], "Anamnese e Conduta");
  assert.deepEqual(notice.sections, []);
  assert.doesNotMatch(JSON.stringify(notice), /Apatia|Dieta/);
});

test("noticeOf() tells the text of the sections where the config asks for it", () => {
  const { sections } = noticeOf(makeEvent(completed, { note }), { ...style, includeNoteText: true });
  assert.deepEqual(sections, [["Anamnese", "Apatia."], ["Conduta", "Dieta leve.\n\nRetorno."]]);
});

test("noticeOf() tells of a note with a hundred sections that there are more", () => {
  const note_sections = Array.from(
    { length: 100 },
    (_, at) => section(String(at + 1), `S${at + 1}`, "x".repeat(9_000)),
  );
  const event = makeEvent(completed, { note: noteOf({ note_sections }) });
  const notice = noticeOf(event, { ...style, includeNoteText: true });
  assert.match(factsOf(notice)["Seções"]!, /^S1, S2, .*, S20 e mais 80$/);
  assert.equal(notice.sections.length, 20);
  assert.ok(notice.sections.every(([, text]) => text.length === 5_000 && text.endsWith("…")));
});

test("noticeOf() links to the event's page where the config says how that is reached", () => {
  const { link } = tell(failed, { pagesUrl: "https://relay.clinica.example" });
  assert.deepEqual(link, {
    label: "Ver o evento no relay",
    url: `https://relay.clinica.example/events/${makeEvent().id}`,
  });
  assert.equal(tell(failed).link, undefined);
});

test("localeShape knows its languages and the time zones of IANA", () => {
  assert.ok(localeShape.locale.safeParse("en").success);
  assert.ok(!localeShape.locale.safeParse("pt").success);
  assert.ok(localeShape.timeZone.safeParse("America/Manaus").success);
  assert.ok(!localeShape.timeZone.safeParse("Sao_Paulo").success);
});
