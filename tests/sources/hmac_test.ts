/** Sources that sign by HMAC: what is accepted, and that nothing else is. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { connectvetsSource } from "../../lib/sources/connectvets.ts";
import { hmacSource } from "../../lib/sources/hmac.ts";
import type { Source, Verification } from "../../lib/sources/source.ts";

const SECRET = "whs_0123456789abcdef";
const BODY = Buffer.from('{"event":"note.completed","data":{}}');

const connectvets = (secret: string | string[] = SECRET): Source =>
  connectvetsSource.build("c", connectvetsSource.schema.parse({ path: "/c", secret }));

const hmac = (options: object, secret: string | string[] = SECRET): Source =>
  hmacSource.build("h", hmacSource.schema.parse({ path: "/h", secret, header: "X-Signature", ...options }));

/** The digest by another road than the code under test: in upper or lower case, hex or base64. */
const digestOf = (body: Uint8Array, secret: string, algorithm = "sha256", encoding: "hex" | "base64" = "hex") =>
  createHmac(algorithm, secret).update(body).digest(encoding);

const good = digestOf(BODY, SECRET);
const wrong = digestOf(BODY, "another secret");
const ok = (secretIndex = 0): Verification => ({ ok: true, secretIndex });
const refused = (reason: "missing" | "malformed" | "wrong"): Verification => ({
  ok: false,
  reason: `signature_${reason}`,
});

const rows: [what: string, signature: string | null, expected: Verification][] = [
  ["a prefixed digest", `sha256=${good}`, ok()],
  ["a bare digest", good, ok()],
  ["a digest in upper case", `sha256=${good.toUpperCase()}`, ok()],
  ["white space around it", `  sha256=${good} `, ok()],
  ["a good one after a wrong one", `sha256=${wrong},sha256=${good}`, ok()],
  ["a good one before a wrong one", `${good}, ${wrong}`, ok()],
  ["a good one after rubbish", `rubbish,, ,sha256=${good}`, ok()],
  ["no header", null, refused("missing")],
  ["an empty header", "", refused("missing")],
  ["the guide's sha256=test", "sha256=test", refused("malformed")],
  ["a prefix alone", "sha256=", refused("malformed")],
  ["commas alone", ",,,", refused("malformed")],
  ["a digest that is short by two digits", `sha256=${good.slice(2)}`, refused("malformed")],
  ["a digest that is short by one digit", `sha256=${good.slice(1)}`, refused("malformed")],
  ["a digest that is long by two digits", `sha256=${good}00`, refused("malformed")],
  ["a very long digest", "ab".repeat(100_000), refused("malformed")],
  ["a digest in base64", digestOf(BODY, SECRET, "sha256", "base64"), refused("malformed")],
  ["another prefix", `sha1=${good}`, refused("malformed")],
  ["a prefix in upper case", `SHA256=${good}`, refused("malformed")],
  ["a prefix twice", `sha256=sha256=${good}`, refused("malformed")],
  ["a digest with white space in it", `${good.slice(0, 32)} ${good.slice(32)}`, refused("malformed")],
  ["a digest by another hash", digestOf(BODY, SECRET, "sha512"), refused("malformed")],
  ["a digest of other bytes", digestOf(Buffer.from("x"), SECRET), refused("wrong")],
  ["a digest under another secret", `sha256=${wrong}`, refused("wrong")],
  ["many wrong ones", Array(50).fill(wrong).join(","), refused("wrong")],
];

for (const [what, signature, expected] of rows) {
  test(`verify() of ${what}`, () => {
    assert.deepEqual(connectvets().verify(BODY, signature), expected);
  });
}

test("verify() tries every secret and says which one fits", () => {
  const source = connectvets(["first secret", "second secret", "third secret"]);
  ["first secret", "second secret", "third secret"].forEach((secret, index) => {
    assert.deepEqual(source.verify(BODY, digestOf(BODY, secret)), ok(index));
    assert.deepEqual(source.verify(BODY, `${wrong},${digestOf(BODY, secret)}`), ok(index));
  });
  assert.deepEqual(source.verify(BODY, digestOf(BODY, "fourth secret")), refused("wrong"));
});

test("sign() uses the first secret and the scheme's own form", () => {
  assert.equal(connectvets([SECRET, "old secret"]).sign(BODY), `sha256=${good}`);
  assert.equal(connectvets().signatureHeader, "X-ConnectVets-Signature");
});

for (const algorithm of ["sha1", "sha256", "sha512"] as const) {
  for (const encoding of ["hex", "base64"] as const) {
    for (const prefix of ["", "v1=", `${algorithm}:`]) {
      test(`hmac() reads ${encoding} of ${algorithm} with the prefix "${prefix}"`, () => {
        const source = hmac({ algorithm, encoding, prefix });
        const digest = digestOf(BODY, SECRET, algorithm, encoding);
        assert.equal(source.sign(BODY), prefix + digest);
        assert.deepEqual(source.verify(BODY, prefix + digest), ok());
        assert.deepEqual(source.verify(BODY, digest), ok());
        assert.equal(source.verify(Buffer.from("other"), prefix + digest).ok, false);
        assert.equal(source.verify(BODY, `${prefix}${digest.slice(4)}`).ok, false);
      });
    }
  }
}

const anyBody = fc.uint8Array({ maxLength: 2_000 });
const anySecret = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });

test("verify() accepts what sign() made, of any body and any secret", () => {
  fc.assert(fc.property(anyBody, anySecret, anySecret, (body, secret, other) => {
    assert.deepEqual(connectvets(secret).verify(body, connectvets(secret).sign(body)), ok());
    const rotated = connectvets([other, secret]).verify(body, connectvets(secret).sign(body));
    assert.ok(rotated.ok);
  }));
});

/** These bytes with one bit changed. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const bit = at % (copy.length * 8);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

test("verify() refuses one flipped bit anywhere in the body", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), anySecret, fc.nat(), (body, secret, at) => {
    const source = connectvets(secret);
    assert.deepEqual(source.verify(flipped(body, at), source.sign(body)), refused("wrong"));
  }));
});

test("verify() refuses one flipped bit anywhere in the digest", () => {
  for (const encoding of ["hex", "base64"] as const) {
    fc.assert(fc.property(anyBody, anySecret, fc.nat(), (body, secret, at) => {
      const source = hmac({ encoding }, secret);
      const digest = Buffer.from(source.sign(body), encoding);
      const signature = Buffer.from(flipped(digest, at)).toString(encoding);
      assert.deepEqual(source.verify(body, signature), refused("wrong"));
    }));
  }
});

test("verify() refuses any text that is not the signature, and never throws", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF=,+/ -_") });
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    digits,
    digits.map((text) => `sha256=${text}`),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  );
  const sources = [connectvets([SECRET, "second"]), hmac({ encoding: "base64" }), hmac({ algorithm: "sha512" })];
  fc.assert(fc.property(anyText, anyBody, (text, body) => {
    for (const source of sources) assert.equal(source.verify(body, text).ok, false);
  }));
});
