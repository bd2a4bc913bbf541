/** The email target: the message that arrives, and that nothing in an event can bend it. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import type { Delivery } from "../../lib/targets/target.ts";
import { type Mail, startMail } from "../helpers/mail.ts";
import { makeDelivery, makeEvent, makeTarget, never, samplePayload } from "../helpers/target.ts";

const addresses = { from: "Clínica <relay@clinica.example>", to: ["a@clinica.example", "b@outra.example"] };
const viaNowhere = { ...addresses, via: "smtp://127.0.0.1:1" };

/** Makes one attempt at a mail server, and gives the outcome with what arrived. */
async function send(
  options: Record<string, unknown> = {},
  delivery: Delivery = makeDelivery(),
): Promise<{ outcome: Outcome | undefined; mails: Mail[] }> {
  const server = await startMail();
  const target = makeTarget(emailTarget, { ...addresses, via: `smtp://127.0.0.1:${server.port}`, ...options });
  try {
    return { outcome: await attempt(target, () => delivery, never), mails: server.mails };
  } finally {
    target.close?.();
    await server.close();
  }
}

/** The one mail that arrived: its headers, unfolded, and all of it with the encoding of texts undone. */
function read(mails: Mail[]): { headers: string[]; content: string } {
  assert.equal(mails.length, 1);
  const { raw } = mails[0]!;
  const headers = raw.slice(0, raw.indexOf("\r\n\r\n")).replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
  return { headers: headers.map(decode), content: decode(raw.replaceAll("=\r\n", "")) };
}

function decode(text: string): string {
  return text.replaceAll(/(=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll("=", ""), "hex").toString());
}

test("deliver() sends one message to all recipients", async () => {
  const { outcome, mails } = await send();
  assert.ok(outcome?.kind === "delivered");
  assert.equal(outcome.status, 250);
  assert.match(outcome.answer ?? "", /^250 /);
  assert.equal(mails[0]?.from, "relay@clinica.example");
  assert.deepEqual(mails.map(({ to }) => to), [addresses.to]);
});

test("deliver() gives the message the delivery's id, the same in each attempt", async () => {
  for (const attempt of [1, 2]) {
    const { headers } = read((await send({}, makeDelivery(makeEvent(), { attempt }))).mails);
    assert.ok(headers.includes(`Message-ID: <${makeDelivery().id}@clinica.example>`), headers.join("\n"));
  }
});

test("deliver() says in headers which event it is, and that a program sends it", async () => {
  const headers = read((await send()).mails).headers.map((header) => header.toLowerCase());
  assert.ok(headers.includes(`relay-event-id: ${makeEvent().id}`));
  assert.ok(headers.includes("relay-event-type: note.failed"));
  assert.ok(headers.includes("auto-submitted: auto-generated"));
});

test("deliver() sends a default subject, text and page", async () => {
  const { headers, content } = read((await send()).mails);
  assert.ok(headers.includes("Subject: Falha na nota: consulta-7"), headers.join("\n"));
  assert.match(content, /text\/plain[^]*\r\nReferência: consulta-7\r\nId da nota: nota-42\r\n/);
  assert.match(content, /text\/html[^]*<h1[^>]*>Falha na nota: consulta-7<\/h1>[^]*nota-42<\/dd>/);
});

test("deliver() sends the config's subject, text and html, values or functions", async () => {
  const subject = (e: typeof samplePayload) => `Nota ${e.data.note_id} concluída`;
  const { headers, content } = read((await send({ subject, text: "Olá\n.\nfim", html: "<b>Olá</b>" })).mails);
  assert.match(headers.join("\n"), /^Subject: =\?UTF-8\?Q\?Nota_nota-42_concluída\?=$/mi);
  assert.ok(content.includes("\r\nOlá\r\n.\r\nfim\r\n"), content);
  assert.ok(content.includes("<b>Olá</b>"));
});

test("deliver() sends no page beside a text of the config", async () => {
  const { content } = read((await send({ text: "Olá" })).mails);
  assert.ok(content.includes("Olá") && !content.includes("text/html"), content);
});

test("deliver() prefers the route's fields to the target's", async () => {
  const delivery = makeDelivery(makeEvent(), { message: { subject: "rota", text: () => "da rota" } });
  const { headers, content } = read((await send({ subject: "alvo", text: "do alvo" }, delivery)).mails);
  assert.ok(headers.includes("Subject: rota"));
  assert.ok(content.includes("da rota") && !content.includes("do alvo"));
});

test("deliver() lets no subject add a header, a recipient or a body", async () => {
  const subject = () => "Oi\r\nBcc: mal@x.example\nX-Mal: 1\r\n\r\ncorpo";
  const { outcome, mails } = await send({ subject });
  assert.equal(outcome?.kind, "delivered");
  assert.deepEqual(mails[0]?.to, addresses.to);
  const { headers } = read(mails);
  assert.ok(!headers.some((header) => /^(bcc|x-mal|corpo)/i.test(header)), headers.join("\n"));
  assert.ok(headers.some((header) => /^Subject: Oi .*Bcc/.test(header)), headers.join("\n"));
});

test("deliver() lets nothing in an event add a header by the default subject", async () => {
  const data = { name: "Rex\r\nBcc: mal@x.example\r\n\r\ncorpo", external_id: "c\nX-Mal: 1" };
  const { mails } = await send({}, makeDelivery(makeEvent({ event: "note.failed\r\nX-Mal: 1", data })));
  assert.deepEqual(mails[0]?.to, addresses.to);
  const { headers } = read(mails);
  assert.ok(!headers.some((header) => /^(bcc|x-mal|corpo)/i.test(header)), headers.join("\n"));
  assert.ok(headers.includes("Subject: Evento note.failed X-Mal: 1: Rex Bcc: mal@x.example corpo"), headers.join("\n"));
});

test("deliver() lets no event type add a header", async () => {
  const { headers } = read((await send({}, makeDelivery(makeEvent({ event: "a\r\nX-Mal: 1\0é" })))).mails);
  assert.ok(headers.includes("Relay-Event-Type: a%0D%0AX-Mal:%201%00%C3%A9"), headers.join("\n"));
  assert.ok(!headers.some((header) => /^x-mal/i.test(header)));
});

const hostile = { event: "note.failed", data: { note_id: `<img src="x" onerror='y'>&` } };
const harmless = "&lt;img src=&quot;x&quot; onerror=&#39;y&#39;&gt;&amp;";

test("render() escapes the event that an html function sees, and leaves its own markup", () => {
  const note = (e: typeof hostile) => `<b>${e.data.note_id}</b>`;
  const target = makeTarget(emailTarget, { ...viaNowhere, html: note, text: note, subject: note });
  const plain = `<b>${hostile.data.note_id}</b>`;
  assert.deepEqual(target.render(makeEvent(hostile), {}), { subject: plain, text: plain, html: `<b>${harmless}</b>` });
});

test("render() escapes the event in the default page", () => {
  const { html } = makeTarget(emailTarget, viaNowhere).render(makeEvent(hostile), {});
  assert.ok(String(html).includes(`>${harmless}</dd>`), String(html));
});

test("render() speaks English, in another time zone, where the target or the config says so", () => {
  const english = { locale: "en", timeZone: "UTC" } as const;
  const expected = /^Note failed: consulta-7\n\nConnectVets could not [^]*\nWhen: Wed, Feb 14, 2024, 18:25 \(GMT\)\n/;
  for (
    const target of [
      makeTarget(emailTarget, { ...viaNowhere, ...english }),
      makeTarget(emailTarget, viaNowhere, english),
    ]
  ) {
    const { subject, text, html } = target.render(makeEvent(), {});
    assert.equal(subject, "Note failed: consulta-7");
    assert.match(String(text), expected);
    assert.match(String(html), /<html lang="en">[^]*Reference/);
  }
});

test("render() gives subjects without emoji", () => {
  const types = ["processing", "completed", "failed", "transcription.completed", "transcription.failed", "other"];
  for (const locale of ["pt-BR", "en"]) {
    const target = makeTarget(emailTarget, { ...viaNowhere, locale });
    for (const type of types) {
      const { subject } = target.render(makeEvent({ event: `note.${type}` }), {});
      assert.match(String(subject), /^[\p{L}. ]+$/u);
    }
  }
});

const invalid: { name: string; options: Record<string, unknown>; detail: RegExp }[] = [
  { name: "subject that is a number", options: { subject: () => 7 }, detail: /subject: its function returns a number/ },
  { name: "text that is empty", options: { text: () => "" }, detail: /text: its function returns an empty text/ },
  {
    name: "html that throws",
    options: { html: (e: { sem: { nome: string } }) => e.sem.nome },
    detail: /html: its function threw: ./,
  },
  {
    name: "text that is a promise",
    options: { text: async () => "later" },
    detail: /text: its function returns a promise/,
  },
];
for (const { name, options, detail } of invalid) {
  test(`deliver() is dead and sends nothing for ${name}`, async () => {
    const { outcome, mails } = await send(options);
    assert.ok(outcome?.kind === "dead", outcome?.kind);
    assert.equal(outcome.reason, "message_invalid");
    assert.match(String(outcome.detail), detail);
    assert.equal(mails.length, 0);
  });
}

test("build() names the password as a secret, and keeps it out of its address", () => {
  const via = "smtp://relay:p%40ss@mail.example:587";
  const target = makeTarget(emailTarget, { ...addresses, via });
  assert.ok(target.secrets.includes("p@ss") && target.secrets.includes("p%40ss"));
  assert.equal(target.address, "a@clinica.example, b@outra.example via smtp://mail.example:587");
  target.close?.();
});
