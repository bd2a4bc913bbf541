/** What `relay verify` says of a signature that is refused, and of one that is good. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { inEnglish } from "../../lib/locale/phrase.ts";
import { connectvetsSource } from "../../lib/sources/connectvets.ts";
import { hmacSource } from "../../lib/sources/hmac.ts";
import type { Source } from "../../lib/sources/source.ts";

const [FIRST, SECOND, OTHER] = ["whs_first_0123456789", "whs_second_0123456789", "whs_other_0123456789"];

const source = connectvetsSource.build(
  "clinic",
  connectvetsSource.schema.parse({ path: "/clinic", secret: [FIRST, SECOND] }),
);
const other = hmacSource.build(
  "shop",
  hmacSource.schema.parse({ path: "/shop", secret: OTHER, header: "X-Shop" }),
);
const base64Source = hmacSource.build(
  "parcel",
  hmacSource.schema.parse({
    path: "/parcel",
    secret: FIRST,
    header: "X-Parcel",
    algorithm: "sha1",
    encoding: "base64",
  }),
);
const sources = [source, other, base64Source];

const sentencesOf = (one: Source, body: string | Uint8Array, signature: string) =>
  one.explain(signature, Buffer.from(body), 0, sources).sentences.map(inEnglish);

const BODY = '{"event":"note.failed","data":{"name":"Açaí 🐕","url":"https://x/y","list":[1,{"a":null}]}}';

const digest = (body: string | Uint8Array, secret: string = FIRST, algorithm = "sha256") =>
  createHmac(algorithm, secret).update(body).digest();
const hex = (body: string, secret?: string) => digest(body, secret).toString("hex");
const signed = (body: string, secret?: string) => `sha256=${hex(body, secret)}`;

/** What Python's `json.dumps` and PHP's `json_encode` write for {@link BODY}. */
const PYTHON =
  '{"event": "note.failed", "data": {"name": "A\\u00e7a\\u00ed \\ud83d\\udc15", "url": "https://x/y", "list": [1, {"a": null}]}}';
const PHP =
  '{"event":"note.failed","data":{"name":"A\\u00e7a\\u00ed \\ud83d\\udc15","url":"https:\\/\\/x\\/y","list":[1,{"a":null}]}}';
const LINES = "{\n" + BODY.slice(1);

const noPrefix = 'It has no "sha256=" before the digest.';
const noFit = /^It fits no secret in the config, neither over these bytes nor with a usual change to them/;
const rewritten = "It was made over other bytes: the JSON was read and written again, which changes its bytes.";
const over = (change: string) => [`It was made over other bytes: ${change}.`];

const rows: [what: string, body: string, signature: string, sentences: (string | RegExp)[]][] = [
  ["a good signature", BODY, signed(BODY), ['It was made with secret 1 of 2 of source "clinic".']],
  ["one by the second secret", BODY, signed(BODY, SECOND), ['It was made with secret 2 of 2 of source "clinic".']],
  ["a good one without its prefix", BODY, hex(BODY), [
    'It was made with secret 1 of 2 of source "clinic".',
    'It has no "sha256=" before the digest, which is accepted.',
  ]],
  ["none", BODY, "  ", ["It is empty.", noFit]],
  ["a wrong one without its prefix", BODY, hex("x"), [noPrefix, noFit]],
  ["another prefix", BODY, signed("x").replace("256", "1"), ['It begins with "sha1=", not with "sha256=".', noFit]],
  ["a short digest", BODY, signed(BODY).slice(0, -2), ["The digest has 62 hex digits; it must have 64.", noFit]],
  ["the guide's test", BODY, "sha256=test", ["The digest has characters that are not hex digits.", noFit]],
  ["base64", BODY, `sha256=${digest(BODY).toString("base64")}`, [
    "The digest seems to be base64; it must be hex.",
    "It was made over these bytes, but it is written in another form.",
  ]],
  ["bare base64", BODY, digest(BODY).toString("base64"), [
    noPrefix,
    "The digest seems to be base64; it must be hex.",
    "It was made over these bytes, but it is written in another form.",
  ]],
  ["one by sha1", BODY, `sha1=${digest(BODY, FIRST, "sha1").toString("hex")}`, [
    'It begins with "sha1=", not with "sha256=".',
    "The digest has 40 hex digits; it must have 64.",
    "It was made by sha1 over these bytes.",
  ]],
  ["one by another source's secret", BODY, signed(BODY, OTHER), [
    'It was made with a secret of source "shop".',
  ]],
  ["JSON with indents of two", BODY, signed(JSON.stringify(JSON.parse(BODY), null, 2)), [rewritten]],
  ["JSON with indents of four", BODY, signed(JSON.stringify(JSON.parse(BODY), null, 4), SECOND), [rewritten]],
  ["JSON as Python writes it", BODY, signed(PYTHON), [rewritten]],
  ["JSON as PHP writes it", BODY, signed(PHP), [rewritten]],
  ["JSON with slashes escaped", BODY, signed(BODY.replaceAll("/", "\\/")), [rewritten]],
  ["compact JSON where it came with spaces", PYTHON, signed(BODY), [rewritten]],
  [
    "JSON written again with a line end",
    PYTHON,
    signed(`${BODY}\n`),
    over(
      "the JSON was read and written again, with a line end after it",
    ),
  ],
  ["a line end that was lost", BODY, signed(`${BODY}\n`), over("with a line end after them")],
  ["a CR LF that was lost", BODY, signed(`${BODY}\r\n`), over("with a line end (CR LF) after them")],
  ["a line end that was added", `${BODY}\n`, signed(BODY), over("without the line end after them")],
  ["LF that became CR LF", LINES.replace("\n", "\r\n"), signed(LINES), over("with the line ends LF in place of CR LF")],
  ["CR LF that became LF", LINES, signed(LINES.replace("\n", "\r\n")), over("with the line ends CR LF in place of LF")],
  ["a byte order mark that was lost", BODY, signed(`\ufeff${BODY}`), over("with a byte order mark before them")],
  ["a byte order mark that was added", `\ufeff${BODY}`, signed(BODY), over("without the byte order mark before them")],
  ["white space that was added", `  ${BODY}\n\n`, signed(BODY), over("without white space at their ends")],
  ["other bytes", BODY, signed("other bytes"), [noFit]],
];

for (const [what, body, signature, expected] of rows) {
  test(`explain() explains ${what}`, () => {
    const sentences = sentencesOf(source, body, signature);
    assert.equal(sentences.length, expected.length, sentences.join("\n"));
    expected.forEach((one, index) => {
      if (typeof one === "string") assert.equal(sentences[index], one);
      else assert.match(sentences[index]!, one);
    });
    for (const sentence of sentences) assert.match(sentence, /^[A-Z].*\.$/);
  });
}

test("explain() says whether a signature is good, whatever the body is", () => {
  const isGood = (body: string, signature: string) => source.explain(signature, Buffer.from(body), 0, sources).isGood;
  assert.deepEqual([isGood(BODY, signed(BODY)), isGood(BODY, signed("x")), isGood("{", signed("{"))], [
    true,
    false,
    true,
  ]);
});

test("explain() takes a base64 signature for what it is, whichever characters it has", () => {
  for (let count = 0; count < 200; count++) {
    const body = Buffer.from(`{"event":"note.failed","count":${count}}`);
    const [first] = sentencesOf(source, body, digest(body).toString("base64"));
    assert.equal(first, noPrefix);
  }
});

test("explain() knows the form of a source that signs by sha1 in base64", () => {
  const explain = (signature: string) => sentencesOf(base64Source, BODY, signature);
  const sha1 = digest(BODY, FIRST, "sha1");
  assert.deepEqual(explain(sha1.toString("base64")), ['It was made with the secret of source "parcel".']);
  assert.deepEqual(explain(sha1.toString("hex")), [
    "The digest seems to be hex; it must be base64.",
    "It was made over these bytes, but it is written in another form.",
  ]);
  assert.deepEqual(explain(digest(BODY).toString("base64")), [
    "The digest must be 28 characters of base64.",
    "It was made by sha256 over these bytes.",
  ]);
});

test("explain() never throws and says no secret, whatever it is given", () => {
  const anySignature = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(FIRST, SECOND, OTHER, `${FIRST}=x`, `sha256=${OTHER}`, signed("x", OTHER), signed(BODY, SECOND)),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => `sha256=${Buffer.from(bytes).toString("hex")}`),
  );
  const anyBody = fc.oneof(fc.uint8Array(), fc.json().map((text) => new Uint8Array(Buffer.from(text))));
  fc.assert(fc.property(anySignature, anyBody, (signature, body) => {
    for (const one of sources) {
      const text = sentencesOf(one, body, signature).join("\n");
      assert.notEqual(text, "");
      for (const secret of [FIRST, SECOND, OTHER]) assert.ok(!text.includes(secret), text);
    }
  }));
});
