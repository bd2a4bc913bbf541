/** The HTML of a default email: everything that came in is text, and nothing is fetched from anywhere. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { noteOf } from "../../lib/connectvets/note.ts";
import { writeHtml } from "../../lib/messages/html_message.tsx";
import { noticeOf } from "../../lib/messages/event_notice.ts";
import type { MessageStyle } from "../../lib/messages/style.ts";
import { writeText } from "../../lib/messages/text_message.ts";
import { makeEvent } from "../helpers/target.ts";

const style: MessageStyle = {
  locale: "pt-BR",
  timeZone: "America/Sao_Paulo",
  includeNoteText: true,
  pagesUrl: "https://relay.clinica.example",
};

const evil = `<img src="//x" onerror='a()'></title></style><script>a()</script>&`;
const escaped =
  "&lt;img src=&quot;//x&quot; onerror=&#39;a()&#39;&gt;&lt;/title&gt;&lt;/style&gt;&lt;script&gt;a()&lt;/script&gt;&amp;";

/** Names of the elements of a page. */
const elementsOf = (html: string) => new Set([...html.matchAll(/<([a-z]\w*)/g)].map(([, name]) => name));

test("writeHtml() escapes everything that came in", () => {
  const note = noteOf({ note_sections: [{ title: evil, content: evil, order: "1" }] });
  const plain = writeHtml(noticeOf(makeEvent(), style), "pt-BR");
  for (const event of ["note.failed", evil]) {
    const data = { name: evil, note_id: evil, external_id: evil, error: { code: evil, message: evil } };
    const html = writeHtml(noticeOf(makeEvent({ event, data }, { note }), style), "pt-BR");
    assert.ok(html.split(escaped).length > 5, html);
    assert.deepEqual([...elementsOf(html)].filter((name) => !elementsOf(plain).has(name)), ["h2"]);
    assert.doesNotMatch(html, /<[^>]*onerror/);
  }
});

test("writeHtml() fetches nothing, runs nothing, and links to the operator's page alone", () => {
  const html = writeHtml(noticeOf(makeEvent(), style), "pt-BR");
  assert.doesNotMatch(html, /<(img|link|script|iframe|object|form|svg)\b|url\(|@import|\bsrc=/i);
  assert.deepEqual([...html.matchAll(/https?:[^"'\s<)]*/g)].map(([url]) => url), [
    `https://relay.clinica.example/events/${makeEvent().id}`,
  ]);
  assert.doesNotMatch(writeHtml(noticeOf(makeEvent(), { ...style, pagesUrl: undefined }), "pt-BR"), /https?:|<a\b/);
});

test("writeHtml() says its language, that it fits a phone, and that it knows light and dark", () => {
  for (const locale of ["pt-BR", "en"] as const) {
    const html = writeHtml(noticeOf(makeEvent(), { ...style, locale }), locale);
    assert.match(html, new RegExp(`^<!doctype html>\\n<html lang="${locale}">`));
    assert.match(html, /<meta name="viewport" content="width=device-width,initial-scale=1"/);
    assert.match(html, /<meta name="color-scheme" content="light dark"/);
  }
});

test("writeHtml() begins with what a list of messages shows: what happened, and what to do", () => {
  const html = writeHtml(noticeOf(makeEvent(), style), "pt-BR");
  const [, shown] = /<body[^>]*><div style="display:none[^>]*>([^<]*)<\/div>/.exec(html) ?? [];
  assert.match(shown ?? "", /^O ConnectVets não conseguiu processar a nota .* Abra a nota no ConnectVets/);
});

test("writeText() says the same without markup, clinical text last", () => {
  const note = noteOf({
    name: "Luna",
    note_sections: [{ title: "Exame físico", content: "FC 110 bpm.\nMucosas rosadas.", order: "1" }],
  });
  const event = makeEvent({ event: "note.completed", timestamp: "2024-02-14T18:25:43Z", data: { note_id: "n1" } }, {
    note,
  });
  assert.equal(
    writeText(noticeOf(event, style)),
    `Nota pronta: Luna

A nota de Luna está pronta no ConnectVets.

O que fazer: Abra a nota no ConnectVets e revise-a.

Paciente: Luna
Id da nota: n1
Seções: Exame físico
Quando: qua., 14 de fev. de 2024, 15:25 (GMT-3)

EXAME FÍSICO
FC 110 bpm.
Mucosas rosadas.

Ver o evento no relay:
https://relay.clinica.example/events/${event.id}

Enviado automaticamente pelo relay. Evento ${event.id}, note.completed
`,
  );
});
