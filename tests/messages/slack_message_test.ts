/** Default messages as Slack takes them: within its limits, and with nothing in them that it would act upon. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { noteOf } from "../../lib/connectvets/note.ts";
import { noticeOf } from "../../lib/messages/event_notice.ts";
import { fitSlack, writeSlackBlocks } from "../../lib/messages/slack_message.ts";
import type { MessageStyle } from "../../lib/messages/style.ts";
import { makeEvent } from "../helpers/target.ts";

/** A text object of Slack's. */
interface Text {
  type: "plain_text" | "mrkdwn";
  text: string;
  emoji?: boolean;
  verbatim?: boolean;
}

interface Block {
  type: string;
  text?: Text;
  fields?: Text[];
  elements?: Text[];
}

const style: MessageStyle = { locale: "pt-BR", timeZone: "America/Sao_Paulo", includeNoteText: true };

const blocksOf = (event = makeEvent(), parts: Partial<MessageStyle> = {}) =>
  writeSlackBlocks(noticeOf(event, { ...style, ...parts })) as Block[];

const textsOf = (blocks: Block[]) =>
  blocks.flatMap(({ text, fields = [], elements = [] }) => [text ?? [], fields, elements].flat());

test("writeSlackBlocks() says what happened, what to do, what is known, and where it comes from", () => {
  const pagesUrl = "https://relay.clinica.example";
  const [header, what, todo, facts, context, ...more] = blocksOf(makeEvent(), { pagesUrl });
  assert.deepEqual(header, {
    type: "header",
    text: { type: "plain_text", text: "🔴 Falha na nota: consulta-7", emoji: false },
  });
  assert.match(what?.text?.text ?? "", /^O ConnectVets não conseguiu processar a nota/);
  assert.match(todo?.text?.text ?? "", /^\*O que fazer\*\nAbra a nota/);
  assert.deepEqual(facts?.fields?.map(({ text }) => text), [
    "*Referência*",
    "consulta-7",
    "*Id da nota*",
    "nota-42",
    "*Quando*",
    "qua., 14 de fev. de 2024, 15:25 (GMT-3)",
  ]);
  assert.deepEqual(context?.elements?.map(({ text }) => text), [
    `<${pagesUrl}/events/${makeEvent().id}|Ver o evento no relay>`,
    `Enviado automaticamente pelo relay. Evento ${makeEvent().id}, note.failed`,
  ]);
  assert.deepEqual(more, []);
});

test("writeSlackBlocks() links nowhere where the pages have no address", () => {
  assert.doesNotMatch(JSON.stringify(blocksOf()), /[<|]/);
});

test("writeSlackBlocks() lets nothing in an event format, mention or link", () => {
  const evil = "<!channel> <https://x.example|x> *a* _b_ :dog: & `c` #general @here";
  const data = { name: evil, note_id: evil, external_id: evil, error: { code: evil, message: evil } };
  const texts = textsOf(blocksOf(makeEvent({ event: "note.failed", data })));
  assert.ok(texts.length > 10);
  for (const { type, text, emoji, verbatim } of texts) {
    assert.doesNotMatch(text, /[<>]|&(?!amp;|lt;|gt;)/);
    if (type === "plain_text") assert.equal(emoji, false, text);
    else {
      assert.equal(verbatim, true, text);
      assert.doesNotMatch(text, /channel|general/, "what came in is plain text");
    }
  }
});

test("writeSlackBlocks() stays within Slack's limits however much came in", () => {
  const much = "&".repeat(20_000);
  const note_sections = Array.from({ length: 100 }, (_, at) => ({ title: much, content: much, order: String(at) }));
  const data = { name: much, note_id: much, external_id: much, error: { code: "AUDIO_QUALITY_LOW", message: much } };
  for (const event of ["note.transcription.failed", much]) {
    const blocks = blocksOf(makeEvent({ event, data }, { note: noteOf({ name: much, note_sections }) }));
    assert.ok(blocks.length <= 50, `${blocks.length} blocks`);
    for (const { type, text, fields = [], elements = [] } of blocks) {
      if (text) assert.ok(text.text.length >= 1 && text.text.length <= (type === "header" ? 150 : 3_000));
      assert.ok(fields.length <= 10 && elements.length <= 10);
      for (const field of fields) assert.ok(field.text.length <= 2_000);
    }
    for (const { text } of textsOf(blocks)) assert.doesNotMatch(text, /&(?!amp;)/, "no half of an escape");
  }
});

test("fitSlack() leaves a text that fits, and cuts another to the length that is left", () => {
  assert.equal(fitSlack("abc", 3), "abc");
  assert.equal(fitSlack("abcd", 3), "ab…");
  assert.equal(fitSlack("a&amp;b", 5), "a…");
});
