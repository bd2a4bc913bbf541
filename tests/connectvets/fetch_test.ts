/** Asking for a note: what each answer of the API means. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type Asked, fetchNote } from "../../lib/connectvets/fetch.ts";
import { freePort } from "../helpers/port.ts";
import { type Respond, startSink, status } from "../helpers/sink.ts";

const never = new AbortController().signal;

async function ask(respond: Respond, id = "n-1"): Promise<{ asked: Asked; path: string; key: unknown }> {
  const sink = await startSink(respond);
  try {
    const access = { url: `${sink.url}/notes/v1`, key: "cvn_test_key", isOptional: false, lane: "x" };
    const asked = await fetchNote(access, id, never);
    const [{ path, headers }] = sink.requests as [typeof sink.requests[number]];
    return { asked, path, key: headers["x-api-key"] };
  } finally {
    await sink.close();
  }
}

const note = JSON.stringify({ data: { id: "n-1", name: "Rex", weight: 1.50 } });

test("fetchNote() asks as documented, and gives the note as the API gave it", async () => {
  const { asked, path, key } = await ask(status(200, note));
  assert.deepEqual([path, key], ["/notes/v1/notes/n-1", "cvn_test_key"]);
  assert.ok(asked.kind === "found");
  assert.deepEqual(JSON.parse(new TextDecoder().decode(asked.data)), { id: "n-1", name: "Rex", weight: 1.5 });
  assert.equal(asked.pauseMs, undefined);
});

const seconds = (fromNow: number) => String(Math.ceil(Date.now() / 1000) + fromNow);

test("fetchNote() tells of a limit for how long it holds: as asked, else to the end of the minute, else a minute", async () => {
  const pauseOf = async (headers: Record<string, string>) => {
    const { asked } = await ask(status(429, "{}", headers));
    assert.ok(asked.kind === "limited");
    return asked.pauseMs;
  };
  assert.equal(await pauseOf({ "Retry-After": "7", "X-RateLimit-Remaining-Minute": "0" }), 7_000);
  assert.equal(await pauseOf({ "Retry-After": "0" }), 1_000, "never none");
  assert.equal(await pauseOf({ "Retry-After": "86400" }), 3_600_000, "at most an hour");
  assert.equal(await pauseOf({}), 60_000);
  const reset = { "X-RateLimit-Remaining-Minute": "0", "X-RateLimit-Reset-Minute": seconds(20) };
  const pauseMs = await pauseOf(reset);
  assert.ok(pauseMs > 15_000 && pauseMs <= 21_000, `${pauseMs}`);
});

test("fetchNote() tells with a note that it was the last one of the minute", async () => {
  const headers = { "X-RateLimit-Remaining-Minute": "0", "X-RateLimit-Reset-Minute": seconds(20) };
  const { asked } = await ask(status(200, note, headers));
  assert.ok(asked.kind === "found" && asked.pauseMs! > 15_000 && asked.pauseMs! <= 21_000);
  const left = await ask(status(200, note, { ...headers, "X-RateLimit-Remaining-Minute": "1" }));
  assert.equal(left.asked.pauseMs, undefined);
});

test("fetchNote() waits no longer than a window lasts, however far the API's clock is from this one", async () => {
  const headersOf = (span: string) => ({
    [`X-RateLimit-Remaining-${span}`]: "0",
    [`X-RateLimit-Reset-${span}`]: seconds(86_400),
  });
  const { asked: { pauseMs: minute } } = await ask(status(200, note, headersOf("Minute")));
  const { asked: { pauseMs: hour } } = await ask(status(200, note, headersOf("Hour")));
  assert.deepEqual([minute, hour], [60_000, 3_600_000]);
});

const failures: [what: string, respond: Respond, kind: "retry" | "dead", reason: string, detail: RegExp][] = [
  [
    "401",
    status(401, '{"error":"unauthorized"}'),
    "dead",
    "note_refused",
    /answered 401; the `key` in `enrich` is not valid/,
  ],
  ["403", status(403), "dead", "note_refused", /answered 403; the `key` in `enrich` may not/],
  ["404", status(404), "dead", "note_missing", /answered 404; there is no such note/],
  ["422", status(422), "dead", "note_refused", /answered 422$/],
  ["a redirect", status(302, "", { Location: "http://127.0.0.1:1/" }), "dead", "note_refused", /answered 302$/],
  ["500", status(500), "retry", "note_unavailable", /answered 500$/],
  ["503", status(503), "retry", "note_unavailable", /answered 503$/],
  ["no JSON", status(200, "<html>Paciente"), "retry", "note_unavailable", /answered 200, but not with JSON$/],
  ["an empty note", status(200, '{"data":{}}'), "retry", "note_unavailable", /answered 200, but without a note$/],
  ["another note", status(200, '{"data":{"id":"n-2"}}'), "retry", "note_unavailable", /200, but with another note$/],
  ["no note", status(200, '{"data":[]}'), "retry", "note_unavailable", /answered 200, but without a note$/],
  [
    "a note that is compressed",
    status(200, "\x0b\x02\x80", { "Content-Encoding": "br" }),
    "retry",
    "note_unavailable",
    /compressed/,
  ],
  [
    "a note that is cut",
    (response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write('{"data":', () => response.socket?.destroy());
    },
    "retry",
    "note_unavailable",
    /answered 200, but its answer was cut short$/,
  ],
  ["a note without end", status(200, `{"data":"${"x".repeat(1024 ** 2)}"}`), "dead", "note_unavailable", /larger than/],
];

for (const [what, respond, kind, reason, detail] of failures) {
  test(`fetchNote() tells of ${what} in words, without a word of the note`, async () => {
    const { asked } = await ask(respond);
    assert.ok(asked.kind === "failed");
    assert.deepEqual([asked.outcome.kind, asked.outcome.reason], [kind, reason]);
    assert.match(String(asked.outcome.detail), detail);
    assert.ok(!String(asked.outcome.detail).includes("Paciente"));
  });
}

test("fetchNote() takes a note of a megabyte", async () => {
  const long = JSON.stringify({ data: { id: "n-1", name: "x".repeat(1024 ** 2 - 100) } });
  const { asked } = await ask(status(200, long));
  assert.ok(asked.kind === "found" && asked.data.byteLength > 1_000_000);
});

test("fetchNote() keeps the first part of what an error says", async () => {
  const { asked } = await ask(status(401, "é".repeat(5_000)));
  assert.ok(asked.kind === "failed" && Buffer.byteLength(asked.outcome.answer!) <= 1_024 + 2);
});

test("fetchNote() tells that nothing listens, in each language, and not by the target's reason", async () => {
  const port = await freePort();
  const access = { url: `http://127.0.0.1:${port}/notes/v1`, key: "k", isOptional: false, lane: "x" };
  const asked = await fetchNote(access, "n-1", never);
  assert.ok(asked.kind === "failed");
  assert.deepEqual([asked.outcome.kind, asked.outcome.reason], ["retry", "note_unavailable"]);
  const place = `http://127.0.0.1:${port}`;
  assert.equal(asked.outcome.detail.in("en"), `Cannot reach ${place}: nothing accepts connections there`);
  assert.equal(
    asked.outcome.detail.in("pt-BR"),
    `Não foi possível acessar ${place}: nenhum programa atende nesse endereço`,
  );
});

test("fetchNote() keeps nothing of an answer that is no error, which may hold the note", async () => {
  const { asked } = await ask(status(203, note));
  assert.ok(asked.kind === "failed");
  assert.doesNotMatch(JSON.stringify(asked), /Rex/);
});
