/** Sources that sign by HMAC: what is accepted, and that nothing else is. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { connectvetsSource } from "../../lib/sources/connectvets.ts";
import { hmacSource } from "../../lib/sources/hmac.ts";
import type { Signed } from "../../lib/hmac.ts";
import { requestTo, type Source } from "../../lib/sources/source.ts";
import { headersOf } from "../helpers/source.ts";
import { testSource } from "./contract.ts";

const SECRET = "whs_0123456789abcdef";
const BODY = Buffer.from('{"event":"note.completed","data":{}}');

const connectvets = (secret: string | string[] = SECRET): Source =>
  connectvetsSource.build("c", connectvetsSource.schema.parse({ path: "/c", secret }));

const hmac = (options: object, secret: string | string[] = SECRET): Source =>
  hmacSource.build("h", hmacSource.schema.parse({ path: "/h", secret, header: "X-Signature", ...options }));

testSource("connectvets", connectvets);
testSource("hmac", (secrets) => hmac({ prefix: "v1=", encoding: "base64", algorithm: "sha512" }, secrets));

/**
 * What verify() says of a signature. Whether the body holds an event is looked at only if the signature is valid, and does
 * not count here.
 */
function verify(source: Source, body: Uint8Array, signature: string | null): Signed | { ok: true } {
  const [header] = source.signatureHeaders;
  const headers = headersOf(signature === null ? {} : { [header!]: signature });
  const verified = source.verify({ ...requestTo(source, { headers: {}, body }, 0), headers });
  if (verified.ok) return { ok: true, secretIndex: verified.secretIndex };
  return verified.reason === "body_invalid" ? { ok: true } : verified;
}

/** The header value for these bytes. */
function sign(source: Source, body: Uint8Array): string {
  const [value, ...others] = Object.values(source.sign(requestTo(source, { headers: {}, body }, 0)));
  assert.deepEqual(others, []);
  return value!;
}

/** The digest by another road than the code under test: in upper or lower case, hex or base64. */
const digestOf = (body: Uint8Array, secret: string, algorithm = "sha256", encoding: "hex" | "base64" = "hex") =>
  createHmac(algorithm, secret).update(body).digest(encoding);

const good = digestOf(BODY, SECRET);
const wrong = digestOf(BODY, "another secret");
const ok = (secretIndex = 0): Signed => ({ ok: true, secretIndex });
const refused = (reason: "missing" | "malformed" | "wrong"): Signed => ({
  ok: false,
  reason: `signature_${reason}`,
});

const rows: [what: string, signature: string | null, expected: Signed][] = [
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
    assert.deepEqual(verify(connectvets(), BODY, signature), expected);
  });
}

test("verify() tries every secret and says which one fits", () => {
  const source = connectvets(["first secret", "second secret", "third secret"]);
  ["first secret", "second secret", "third secret"].forEach((secret, index) => {
    assert.deepEqual(verify(source, BODY, digestOf(BODY, secret)), ok(index));
    assert.deepEqual(verify(source, BODY, `${wrong},${digestOf(BODY, secret)}`), ok(index));
  });
  assert.deepEqual(verify(source, BODY, digestOf(BODY, "fourth secret")), refused("wrong"));
});

test("sign() uses the first secret and the scheme's own form", () => {
  const source = connectvets([SECRET, "old secret"]);
  const signed = source.sign(requestTo(source, { headers: {}, body: BODY }, 0));
  assert.deepEqual(signed, { "X-ConnectVets-Signature": `sha256=${good}` });
  assert.deepEqual(source.signatureHeaders, ["X-ConnectVets-Signature"]);
});

for (const algorithm of ["sha1", "sha256", "sha512"] as const) {
  for (const encoding of ["hex", "base64"] as const) {
    for (const prefix of ["", "v1=", `${algorithm}:`]) {
      test(`hmac() reads ${encoding} of ${algorithm} with the prefix "${prefix}"`, () => {
        const source = hmac({ algorithm, encoding, prefix });
        const digest = digestOf(BODY, SECRET, algorithm, encoding);
        assert.equal(sign(source, BODY), prefix + digest);
        assert.deepEqual(verify(source, BODY, prefix + digest), ok());
        assert.deepEqual(verify(source, BODY, digest), ok());
        assert.equal(verify(source, Buffer.from("other"), prefix + digest).ok, false);
        assert.equal(verify(source, BODY, `${prefix}${digest.slice(4)}`).ok, false);
      });
    }
  }
}

const anyBody = fc.uint8Array({ maxLength: 2_000 });
const anySecret = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });

test("verify() accepts what sign() made, of any body and any secret", () => {
  fc.assert(fc.property(anyBody, anySecret, anySecret, (body, secret, other) => {
    const signature = sign(connectvets(secret), body);
    assert.ok(verify(connectvets(secret), body, signature).ok);
    assert.ok(verify(connectvets([other, secret]), body, signature).ok);
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
    assert.deepEqual(verify(source, flipped(body, at), sign(source, body)), refused("wrong"));
  }));
});

test("verify() refuses one flipped bit anywhere in the digest", () => {
  for (const encoding of ["hex", "base64"] as const) {
    fc.assert(fc.property(anyBody, anySecret, fc.nat(), (body, secret, at) => {
      const source = hmac({ encoding }, secret);
      const digest = Buffer.from(sign(source, body), encoding);
      const signature = Buffer.from(flipped(digest, at)).toString(encoding);
      assert.deepEqual(verify(source, body, signature), refused("wrong"));
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
    for (const source of sources) assert.equal(verify(source, body, text).ok, false);
  }));
});
