/** System events at every kind of target: what they say, and that the config's functions never see them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ReadableEvent } from "../../lib/event.ts";
import { formatId } from "../../lib/id.ts";
import { noticeOf } from "../../lib/messages/event_notice.ts";
import type { Locale } from "../../lib/locale/mod.ts";
import { writeText } from "../../lib/messages/text_message.ts";
import { readable } from "../../lib/sources/view.ts";
import { type SystemData, systemEvent } from "../../lib/system_event.ts";
import type { AlarmData } from "../../lib/alarm.ts";
import { emailTarget } from "../../lib/targets/email.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import { scriptTarget } from "../../lib/targets/script.ts";
import { slackTarget } from "../../lib/targets/slack.ts";
import { makeFolder } from "../helpers/folder.ts";
import { startMail } from "../helpers/mail.ts";
import { startSink } from "../helpers/sink.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";

const NOW = Date.parse("2026-01-02T12:34:56Z");
const SINCE = "2026-01-02T06:34:56.000Z";

/** A system event as a target is handed it. */
function stored<Type extends keyof SystemData>(type: Type, data: SystemData[Type]): ReadableEvent {
  const { id, source, receivedAt, body, headers } = systemEvent(type, ["alvo"], data, NOW);
  return readable({ id: formatId(id), source, type, receivedAt, body, headers }, []);
}

const testMessage = stored("relay.test", { target: "alvo" });
const dead: AlarmData = { alarm: "dead", limit: 1, since: SINCE };
const silent: AlarmData = { alarm: "silent", pattern: "note.*", forMs: 6 * 3_600_000, since: SINCE };

const refused = { alarm: "refused", limit: 5, withinMs: 600_000, since: SINCE } as const;

/** A function of the config, which must not be called. */
const fail = (): never => {
  throw new Error("a function of the config was called");
};

const say = (event: ReadableEvent, locale: Locale) =>
  writeText(noticeOf(event, { locale, timeZone: "America/Sao_Paulo", includeNoteText: false })).trim().split(/\n+/);

test("noticeOf() marks a test message as a test, in both languages", () => {
  assert.deepEqual(say(testMessage, "pt-BR"), [
    "Mensagem de teste do relay",
    "Isto é um teste: nenhum evento real aconteceu. Se você está lendo isto, o destino alvo funciona.",
    "O que fazer: Nada.",
    "Destino: alvo",
    "Quando: sex., 2 de jan. de 2026, 09:34 (GMT-3)",
    `Enviado automaticamente pelo relay. Evento ${testMessage.id}, relay.test`,
  ]);
  assert.match(say(testMessage, "en")[1]!, /^This is a test: no real event happened\./);
});

test("noticeOf() tells what an alarm is about, since when, and what to do", () => {
  const silence = stored("relay.alarm.begin", silent);
  assert.deepEqual(say(silence, "en"), [
    "Relay alarm: no events (note.*)",
    "No event matching note.* has come in for 6 hours.",
    "What to do: Run `relay events` to see what came in last. Check the webhook's address in ConnectVets, and this server's network and proxy.",
    "Since: Fri, Jan 2, 2026, 03:34 (GMT-3)",
    `Sent automatically by relay. Event ${silence.id}, relay.alarm.begin`,
  ]);
  const begun = say(stored("relay.alarm.begin", dead), "pt-BR");
  assert.equal(begun[0], "Alarme do relay: falhas definitivas");
  assert.equal(begun[1], "Há 1 falha definitiva. O relay não tenta essa entrega de novo por conta própria.");
  assert.match(begun[2]!, /^O que fazer: .*`relay status`.*`relay retry --dead`/);
  assert.equal(say(silence, "pt-BR")[1], "Nenhum evento note.* chega há 6 horas.");
  assert.match(say(stored("relay.alarm.begin", { ...silent, forMs: 90_000 }), "pt-BR")[1]!, / chega há 90 segundos\.$/);
  assert.match(
    say(stored("relay.alarm.begin", { ...dead, limit: 20 }), "en")[1]!,
    /^20 deliveries failed for good\./,
  );
});

test("noticeOf() names the targets and the reasons of dead letters, how many and since when", () => {
  const groups = [
    { target: "crm", reason: "connection_refused", count: 14, since: "2026-01-02T05:00:00.000Z" },
    { target: "plantao", reason: "refused", count: 1, since: SINCE },
  ] as const;
  const begun = stored("relay.alarm.begin", { ...dead, dead: groups });
  assert.deepEqual(say(begun, "en").slice(0, 6), [
    "Relay alarm: deliveries failed for good (crm, plantao)",
    "15 deliveries failed for good. Relay does not try them again on its own.",
    "What to do: Nothing is listening at the target's address: start the program there, or correct the address in the config. Run `relay status` to see more, and `relay retry --dead` once it is fixed.",
    "crm: connection refused, 14 deliveries since Fri, Jan 2, 2026, 02:00 (GMT-3)",
    "plantao: refused, 1 delivery since Fri, Jan 2, 2026, 03:34 (GMT-3)",
    "Since: Fri, Jan 2, 2026, 03:34 (GMT-3)",
  ]);
  assert.deepEqual(say(begun, "pt-BR").slice(3, 5), [
    "crm: conexão recusada, 14 entregas desde sex., 2 de jan. de 2026, 02:00 (GMT-3)",
    "plantao: recusado, 1 entrega desde sex., 2 de jan. de 2026, 03:34 (GMT-3)",
  ]);
  const many = ["a", "b", "c", "d"].map((target) => ({ ...groups[0], target }));
  assert.equal(
    say(stored("relay.alarm.begin", { ...dead, dead: many }), "en")[0],
    "Relay alarm: deliveries failed for good",
  );
});

test("noticeOf() tells which requests were refused, and how to find out why", () => {
  const which = [
    { source: "connectvets", reason: "signature_wrong", count: 7 },
    { source: "erp", reason: "body_too_large", count: 1 },
  ] as const;
  const begun = stored("relay.alarm.begin", { ...refused, refused: which });
  assert.deepEqual(say(begun, "pt-BR").slice(0, 5), [
    "Alarme do relay: requisições recusadas (connectvets, erp)",
    "O relay recusou 8 requisições em 10 minutos.",
    "O que fazer: Quem envia assina com outro segredo, ou um proxy altera o corpo: compare primeiro os segredos. Execute `relay verify --signature S FILE` para ver o que há de errado com uma assinatura: `S` é o cabeçalho e `FILE` o corpo, como quem envia os mostra. Execute `relay status` para ver mais.",
    "connectvets: assinatura errada, 7 requisições",
    "erp: corpo grande demais, 1 requisição",
  ]);
  assert.match(
    say(begun, "en").join("\n"),
    /connectvets: wrong signature, 7 requests\nerp: body too large, 1 request\nSince: /,
  );
  assert.deepEqual(say(stored("relay.alarm.end", refused), "en").slice(0, 4), [
    "Relay alarm over: requests refused",
    "Relay has refused no requests for 10 minutes.",
    "The alarm lasted 6 hours.",
    "What to do: Nothing.",
  ]);
});

test("noticeOf() says that an alarm is over, and that nothing is left to do", () => {
  const over = say(stored("relay.alarm.end", dead), "pt-BR");
  assert.deepEqual(over.slice(0, 5), [
    "Fim do alarme do relay: falhas definitivas",
    "Não há mais falhas definitivas.",
    "O alarme durou 6 horas.",
    "O que fazer: Nada.",
    "Início: sex., 2 de jan. de 2026, 03:34 (GMT-3)",
  ]);
  assert.deepEqual(say(stored("relay.alarm.end", silent), "en").slice(0, 2), [
    "Relay alarm over: events are back",
    "Events matching note.* are coming in again.",
  ]);
  assert.match(say(stored("relay.alarm.end", { ...dead, limit: 2 }), "en")[1]!, /Fewer than 2 dead letters/);
});

test("noticeOf() links an alarm to the page that shows what it is about, and a test to its own", () => {
  const pagesUrl = "https://relay.clinica.example";
  const style = { locale: "en", timeZone: "UTC", includeNoteText: false, pagesUrl } as const;
  const urlOf = (event: ReadableEvent) => noticeOf(event, style).link!.url.slice(pagesUrl.length);
  assert.equal(urlOf(stored("relay.alarm.begin", dead)), "/dead");
  assert.equal(urlOf(stored("relay.alarm.end", silent)), "/events");
  assert.equal(urlOf(stored("relay.alarm.begin", refused)), "/");
  assert.equal(urlOf(testMessage), `/events/${testMessage.id}`);
});

test("deliver() sends a slack target its default message in place of the config's", async () => {
  const sink = await startSink();
  try {
    const target = makeTarget(slackTarget, { url: `${sink.url}/T/B/x`, text: fail, blocks: fail, locale: "en" });
    const outcome = await target.deliver(makeDelivery(testMessage, { message: { text: fail, blocks: fail } }), never);
    assert.equal(outcome.kind, "delivered");
    const message = JSON.parse(sink.requests[0]!.body.toString());
    assert.deepEqual(Object.keys(message), ["text", "blocks"]);
    assert.match(message.text, /^\*Test message from relay\*\nThis is a test/);
  } finally {
    await sink.close();
  }
});

test("deliver() sends an email target its default message in place of the config's", async () => {
  const server = await startMail();
  const own = { subject: fail, text: fail, html: fail };
  const target = makeTarget(emailTarget, {
    via: `smtp://127.0.0.1:${server.port}`,
    from: "relay@clinica.example",
    to: "equipe@clinica.example",
    locale: "en",
    ...own,
  });
  try {
    const outcome = await target.deliver(makeDelivery(testMessage, { message: own }), never);
    assert.equal(outcome.kind, "delivered");
    const { raw } = server.mails[0]!;
    assert.match(raw, /^Subject: Test message from relay\r$/m);
    assert.match(raw, /^This is a test: no real event happened/m);
    assert.match(raw, /<h1[^>]*>Test message/);
  } finally {
    target.close?.();
    await server.close();
  }
});

test("deliver() sends an http target the payload as JSON, without a sender's signature", async () => {
  const sink = await startSink();
  try {
    const target = makeTarget(httpTarget, { url: sink.url, body: fail });
    const outcome = await target.deliver(makeDelivery(testMessage, { message: { body: fail } }), never);
    assert.equal(outcome.kind, "delivered");
    const { headers, body } = sink.requests[0]!;
    const timestamp = new Date(NOW).toISOString();
    assert.deepEqual(JSON.parse(body.toString()), { event: "relay.test", timestamp, data: { target: "alvo" } });
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["relay-event-type"], "relay.test");
    assert.deepEqual(Object.keys(headers).filter((name) => name.includes("signature")), []);
  } finally {
    await sink.close();
  }
});

test("deliver() gives a script the payload on standard input", async () => {
  const folder = makeFolder();
  try {
    const command = ["/bin/sh", "-c", 'cat > body; echo "$RELAY_SOURCE $RELAY_EVENT_TYPE" > env'];
    const target = makeTarget(scriptTarget, { command }, { folder: folder.path });
    const event = stored("relay.alarm.begin", dead);
    assert.equal((await target.deliver(makeDelivery(event), never)).kind, "delivered");
    const left = (name: string) => readFileSync(join(folder.path, name), "utf8");
    assert.deepEqual(JSON.parse(left("body")).data, dead);
    assert.equal(left("env"), "relay relay.alarm.begin\n");
  } finally {
    folder.remove();
  }
});
