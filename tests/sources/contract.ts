/** What every source must do, however its sender signs: one suite that each kind's own tests run. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { inEnglish } from "../../lib/locale/phrase.ts";
import type { Source, Verification } from "../../lib/sources/source.ts";
import { headersOf, signedRequest } from "../helpers/source.ts";

const NOW = Date.UTC(2026, 0, 2);
const [FIRST, SECOND, OTHER] = ["whs_first_0123456789", "whs_second_0123456789", "whs_other_0123456789"];

/** @param make Gives a source of the kind with these secrets. */
export function testSource(kind: string, make: (secrets: string[]) => Source): void {
  const source = make([FIRST, SECOND]);
  const signed = (by: Source = source, body?: Uint8Array) => signedRequest(by, by.draft("note.failed", body), NOW);

  test(`${kind}: verify() takes what draft() and sign() make, and shows it as view() will`, () => {
    const request = signed();
    const verified = source.verify(request);
    assert.ok(verified.ok);
    const { event, headers, secretIndex } = verified;
    assert.deepEqual([event.type, secretIndex], ["note.failed", 0]);
    assert.deepEqual(event.payload, source.view({ type: event.type, body: request.body, headers }));
    assert.equal(event.payload.event, event.type);
    assert.deepEqual(source.read(request), { event });
  });

  test(`${kind}: verify() gives the content type and what proves the sender to go on with the body, and no more`, () => {
    const { headers, ...request } = signed();
    const verified = source.verify({
      ...request,
      headers: headersOf({ ...Object.fromEntries(headers), Cookie: "a=b" }),
    });
    assert.ok(verified.ok);
    const names = ["Content-Type", ...source.signatureHeaders];
    assert.deepEqual(Object.keys(verified.headers).sort(), names.sort());
    for (const name of names) assert.equal(verified.headers[name], headers.get(name));
  });

  test(`${kind}: verify() tries every secret and says which one fits`, () => {
    const second = source.verify(signed(make([SECOND])));
    assert.ok(second.ok);
    assert.equal(second.secretIndex, 1);
    assert.deepEqual(reasonOf(source.verify(signed(make([OTHER])))), "signature_wrong");
  });

  test(`${kind}: verify() refuses a request without a signature before it looks at its body`, () => {
    for (const body of [undefined, Buffer.from([0xff])]) {
      const { headers, ...draft } = source.draft("note.failed", body);
      const request = { ...signed(), ...draft, headers: headersOf(headers) };
      assert.equal(reasonOf(source.verify(request)), "signature_missing");
    }
  });

  test(`${kind}: verify() refuses one flipped bit anywhere in the body`, () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (body, at) => {
      const request = signed(source, body);
      const changed = Uint8Array.from(body);
      changed[at % body.length]! ^= 1 << at % 8;
      assert.equal(reasonOf(source.verify({ ...request, body: changed })), "signature_wrong");
    }));
  });

  test(`${kind}: verify() takes any signed bytes, or says in one sentence why they are no event`, () => {
    fc.assert(fc.property(fc.uint8Array(), (body) => {
      const verified = source.verify(signed(source, body));
      if (verified.ok) return;
      assert.equal(verified.reason, "body_invalid");
      assert.match(verified.problem!, /^[A-Z].*[^.]$/);
    }));
  });

  test(`${kind}: view() shows whatever bytes are stored under its name, by the type that is stored`, () => {
    fc.assert(fc.property(fc.uint8Array(), (body) => {
      assert.equal(typeof source.view({ type: "a.b", body, headers: {} }).event, "string");
    }));
  });

  test(`${kind}: explain() says no secret`, () => {
    for (const signature of ["", "x", FIRST, ...Object.values(source.sign(signed()))]) {
      const { sentences } = source.explain(signature, Buffer.from("{}"), NOW, [source, make([OTHER])]);
      for (const secret of [FIRST, SECOND, OTHER]) assert.ok(!sentences.map(inEnglish).join().includes(secret));
    }
  });
}

function reasonOf(verification: Verification): string | undefined {
  return verification.ok ? undefined : verification.reason;
}
