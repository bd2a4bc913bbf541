/** Explains an HMAC of the body: what is wrong with it, or what was signed in place of these bytes. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Language } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { digestBytes, type HmacScheme, verifyHmac } from "../hmac.ts";
import type { Explanation, Source } from "./source.ts";

/** A source that signs by HMAC, as far as its signatures can be explained. */
export interface HmacSigner {
  name: string;
  secrets: readonly string[];
  scheme: HmacScheme;
}

/**
 * Explains a signature of these bytes.
 * @param sources All of the config's, whose secrets may have been taken for this one's.
 */
export function explainHmac(
  source: HmacSigner,
  signature: string,
  body: Uint8Array,
  sources: readonly Pick<Source, "name" | "secrets">[],
): Explanation {
  const { scheme, secrets } = source;
  const signed = verifyHmac(scheme, secrets, body, signature);
  return signed.ok ? { isGood: true, sentences: explainGood(source, signed.secretIndex, signature) } : {
    isGood: false,
    sentences: [...explainForm(scheme, signature), ...explainCause(source, sources, body, signature)],
  };
}

const algorithms = ["sha256", "sha1", "sha512"];

function explainGood({ name, secrets, scheme: { prefix } }: HmacSigner, secretIndex: number, signature: string) {
  const by: Phrase = ({ send: { explain } }) =>
    secrets.length === 1 ? explain.bySecret(name) : explain.bySecretOf(secretIndex + 1, secrets.length, name);
  const noPrefix: Phrase = ({ send: { explain } }) => explain.noPrefixAccepted(prefix);
  return signature.includes(prefix) ? [by] : [by, noPrefix];
}

/** A word and `=` before a digest; the `=` that base64 ends with is none. */
const PREFIX = /^\w{1,12}=(?=[^=])/;

function explainForm(scheme: HmacScheme, signature: string): Phrase[] {
  const { prefix } = scheme;
  const text = signature.trim();
  if (text === "") return [({ send }) => send.explain.empty];
  if (text.startsWith(prefix)) return explainDigest(text.slice(prefix.length), scheme);
  const other = PREFIX.exec(text)?.[0] ?? "";
  return [
    ({ send: { explain } }) => other ? explain.otherPrefix(other, prefix) : explain.noPrefix(prefix),
    ...explainDigest(text.slice(other.length), scheme),
  ];
}

function explainDigest(digest: string, { algorithm, encoding }: HmacScheme): Phrase[] {
  const bytes = digestBytes[algorithm];
  const length = encoding === "hex" ? 2 * bytes : 4 * Math.ceil(bytes / 3);
  const isHex = /^[0-9a-f]+$/i.test(digest);
  const isBase64 = /^[\w+/-]{20,}={0,2}$/.test(digest);
  if (encoding === "base64") {
    if (digest.length === length && isBase64) return [];
    return [({ send: { explain } }) => isHex ? explain.isHex : explain.notBase64(length)];
  }
  if (isHex && digest.length === length) return [];
  return [
    ({ send: { explain } }) =>
      isHex ? explain.hexLength(digest.length, length) : isBase64 ? explain.isBase64 : explain.notHex,
  ];
}

/** Tries what may have been signed instead, with every secret that is known. */
function explainCause(
  { name, secrets, scheme }: HmacSigner,
  sources: readonly Pick<Source, "name" | "secrets">[],
  body: Uint8Array,
  signature: string,
): Phrase[] {
  const digest = readDigest(signature);
  if (digest) {
    const keys = [
      ...secrets.map((secret) => ({ secret, owner: "" })),
      ...sources.filter((one) => one.name !== name).flatMap((one) =>
        one.secrets.map((secret) => ({ secret, owner: one.name }))
      ),
    ];
    for (const algorithm of algorithms) {
      for (const { secret, owner } of keys) {
        for (const [change, changed] of variantsOf(body)) {
          if (!createHmac(algorithm, secret).update(changed).digest().equals(digest)) continue;
          return [({ send: { explain } }) =>
            explain.madeOver({
              algorithm: algorithm === scheme.algorithm ? "" : algorithm,
              source: owner,
              change: change ? explain.changes[change] : "",
            })];
        }
      }
    }
  }
  return [({ send }) => send.explain.fitsNone];
}

/** A digest of any form: hex or base64, with or without a prefix. */
function readDigest(signature: string): Buffer | undefined {
  const text = signature.trim().replace(PREFIX, "");
  const bytes = /^[0-9a-f]+$/i.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "base64");
  return Object.values(digestBytes).includes(bytes.byteLength) ? bytes : undefined;
}

const BOM = "\ufeff";

/** A usual mishap, by its name in the words. */
type Change = keyof Language["send"]["explain"]["changes"];

/** The body, and the body as usual mishaps change it, each with its name. */
function* variantsOf(body: Uint8Array): Generator<[change: Change | undefined, body: Uint8Array]> {
  yield [undefined, body];
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  const plain = text.startsWith(BOM) ? text.slice(BOM.length) : text;
  const ends: [Change, string][] = [
    ["markBefore", BOM + text],
    ["noMark", plain],
    ["lineEnd", `${text}\n`],
    ["crLf", `${text}\r\n`],
    ["noLineEnd", text.replace(/\r?\n$/, "")],
    ["lf", text.replaceAll("\r\n", "\n")],
    ["crLfs", text.replaceAll(/\r?\n/g, "\r\n")],
    ["trimmed", text.trim()],
  ];
  for (const [change, changed] of ends) yield [change, Buffer.from(changed)];
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch {
    return;
  }
  for (const changed of serialisations(value)) {
    yield ["rewritten", Buffer.from(changed)];
    yield ["rewrittenLineEnd", Buffer.from(`${changed}\n`)];
  }
}

/** The JSON that JavaScript, Python and PHP write by default, and with indents. */
function serialisations(value: unknown): string[] {
  const plain = [JSON.stringify(value), spaced(value), JSON.stringify(value, null, 2), JSON.stringify(value, null, 4)];
  const ascii = plain.map((text) =>
    text.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  );
  return [
    ...plain,
    ...ascii,
    ...ascii.map((text) => text.replaceAll("/", "\\/")),
    ...plain.map((text) => text.replaceAll("/", "\\/")),
  ];
}

/** JSON on one line with a space after `,` and `:`, as Python writes it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${spaced(one)}`).join(", ")}}`;
}
