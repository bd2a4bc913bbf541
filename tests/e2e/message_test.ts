/** Default messages on the executable: what reaches Slack and a mail server, in either language, with a link. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { startMail } from "../helpers/mail.ts";
import { configOf, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const failed = JSON.stringify({
  event: "note.transcription.failed",
  timestamp: "2024-02-14T18:28:16Z",
  webhook_id: "wh_abc123def456",
  data: {
    id: "550e8400-e29b-41d4-a716-446655440000",
    name: "Rex <b>",
    transcription_status: "failed",
    error: { code: "AUDIO_QUALITY_LOW", message: "Áudio com qualidade insuficiente" },
    external_id: "CLIENTE_123",
    failed_at: "2024-02-14T18:28:15Z",
  },
});

const languages = [
  {
    locale: "pt-BR",
    subject: "Falha na transcrição: Rex <b>",
    why: "A qualidade do áudio é baixa demais para a transcrição.",
    time: "qua., 14 de fev. de 2024, 15:28 (GMT-3)",
  },
  {
    locale: "en",
    subject: "Transcription failed: Rex <b>",
    why: "The audio quality is too low to transcribe.",
    time: "Wed, Feb 14, 2024, 15:28 (GMT-3)",
  },
];

for (const { locale, subject, why, time } of languages) {
  test(`serve tells Slack and email what happened, why, when, and where to see more, in ${locale}`, async () => {
    const [slack, mail] = [await startSink(), await startMail({ disabledCommands: ["STARTTLS"] })];
    const relay = await startRelay(configOf({
      targets: `
        chat: slack({ url: "${slack.url}" }),
        equipe: email({ via: "smtp://127.0.0.1:${mail.port}", from: "relay@clinica.example", to: "a@clinica.example" }),`,
      routes: `{ on: "note.**", to: ["chat", "equipe"] }`,
      admin: `{ port: 0, publicUrl: "https://relay.clinica.example/" }`,
      more: `locale: "${locale}",`,
    }));
    try {
      assert.equal((await relay.post(failed)).status, 200);
      const { raw } = (await mail.received(1))[0]!;
      const [header = "", ...body] = raw.split("\r\n\r\n");
      const id = /^Relay-Event-Id: (.*)$/mi.exec(header)![1]!.trim();
      const url = `https://relay.clinica.example/events/${id}`;
      assert.equal(wordsOf(/^Subject: (.*(?:\r\n[ \t].*)*)/m.exec(header)![1]!), subject);
      const content = quotedPrintable(body.join("\r\n\r\n"));
      const [text = "", html = ""] = content.split("Content-Type: text/html");
      for (const said of [subject, why, time, url, "CLIENTE_123"]) assert.ok(text.includes(said), `${said}: ${text}`);
      for (const said of [why, time, `href="${url}"`, "Rex &lt;b&gt;"]) assert.ok(html.includes(said), said);

      const message = JSON.parse((await slack.received(1))[0]!.body.toString());
      assert.equal(message.blocks[0].text.text, `🔴 ${subject.replace("<b>", "&lt;b&gt;")}`);
      for (const said of [why, time, `<${url}|`]) {
        assert.ok(message.text.includes(said), message.text);
        assert.ok(JSON.stringify(message.blocks).includes(said), said);
      }
    } finally {
      await relay.close();
      await slack.close();
      await mail.close();
    }
  });
}

/** A text in quoted-printable (RFC 2045) as it is. */
function quotedPrintable(text: string): string {
  return text.replaceAll("=\r\n", "").replaceAll(
    /(=[0-9A-F]{2})+/g,
    (bytes) => Buffer.from(bytes.replaceAll("=", ""), "hex").toString(),
  );
}

/** A header's encoded words (RFC 2047) as they are. */
function wordsOf(header: string): string {
  return header.replaceAll(/\?=\s+=\?/g, "?==?").replaceAll(
    /=\?utf-8\?([qb])\?(.*?)\?=/gi,
    (_, encoding, word) =>
      encoding.toLowerCase() === "b"
        ? Buffer.from(word, "base64").toString()
        : quotedPrintable(word.replaceAll("_", " ")),
  );
}
