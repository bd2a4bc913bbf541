/** Explains an HMAC of the body: what is wrong with it, or what was signed in place of these bytes. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { digestBytes, type HmacScheme, verifyHmac } from "./hmac_scheme.ts";
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
  return [
    secrets.length === 1
      ? `It was made with the secret of source "${name}".`
      : `It was made with secret ${secretIndex + 1} of ${secrets.length} of source "${name}".`,
    ...(signature.includes(prefix) ? [] : [`It has no "${prefix}" before the digest, which is accepted.`]),
  ];
}

/** A word and `=` before a digest; the `=` that base64 ends with is none. */
const PREFIX = /^\w{1,12}=(?=[^=])/;

function explainForm(scheme: HmacScheme, signature: string): string[] {
  const { prefix } = scheme;
  const text = signature.trim();
  if (text === "") return ["It is empty."];
  if (text.startsWith(prefix)) return explainDigest(text.slice(prefix.length), scheme);
  const other = PREFIX.exec(text)?.[0] ?? "";
  return [
    other ? `It begins with "${other}", not with "${prefix}".` : `It has no "${prefix}" before the digest.`,
    ...explainDigest(text.slice(other.length), scheme),
  ];
}

function explainDigest(digest: string, { algorithm, encoding }: HmacScheme): string[] {
  const bytes = digestBytes[algorithm];
  const length = encoding === "hex" ? 2 * bytes : 4 * Math.ceil(bytes / 3);
  const isHex = /^[0-9a-f]+$/i.test(digest);
  const isBase64 = /^[\w+/-]{20,}={0,2}$/.test(digest);
  if (encoding === "base64") {
    if (digest.length === length && isBase64) return [];
    if (isHex) return ["The digest seems to be hex; it must be base64."];
    return [`The digest must be ${length} characters of base64.`];
  }
  if (isHex) {
    return digest.length === length ? [] : [`The digest has ${digest.length} hex digits; it must have ${length}.`];
  }
  if (isBase64) return ["The digest seems to be base64; it must be hex."];
  return ["The digest has characters that are not hex digits."];
}

/** Tries what may have been signed instead, with every secret that is known. */
function explainCause(
  { name, secrets, scheme }: HmacSigner,
  sources: readonly Pick<Source, "name" | "secrets">[],
  body: Uint8Array,
  signature: string,
): string[] {
  const digest = readDigest(signature);
  if (digest) {
    const own = scheme.algorithm;
    const keys = [
      ...secrets.map((secret) => ({ secret, whose: "" })),
      ...sources.filter((one) => one.name !== name).flatMap((one) =>
        one.secrets.map((secret) => ({ secret, whose: ` with a secret of source "${one.name}"` }))
      ),
    ];
    for (const algorithm of algorithms) {
      for (const { secret, whose } of keys) {
        for (const [change, changed] of variantsOf(body)) {
          if (!createHmac(algorithm, secret).update(changed).digest().equals(digest)) continue;
          const what = change ? `: ${change}` : whose || algorithm !== own ? "" : ", but it is written in another form";
          const hash = algorithm === own ? "" : ` by ${algorithm}`;
          return [`It was made${hash}${whose || (change ? " over other bytes" : " over these bytes")}${what}.`];
        }
      }
    }
  }
  return [
    "It fits no secret that is configured, neither over these bytes nor with a usual change to them. " +
    "Compare the secret with the sender's, and see that these are the bytes as they were received.",
  ];
}

/** A digest of any form: hex or base64, with or without a prefix. */
function readDigest(signature: string): Buffer | undefined {
  const text = signature.trim().replace(PREFIX, "");
  const bytes = /^[0-9a-f]+$/i.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "base64");
  return Object.values(digestBytes).includes(bytes.byteLength) ? bytes : undefined;
}

const BOM = "\ufeff";

/** The body, and the body as usual mishaps change it, each with its name. */
function* variantsOf(body: Uint8Array): Generator<[change: string, body: Uint8Array]> {
  yield ["", body];
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  const plain = text.startsWith(BOM) ? text.slice(BOM.length) : text;
  const ends: [string, string][] = [
    ["with a byte order mark before them", BOM + text],
    ["without the byte order mark before them", plain],
    ["with a line end after them", `${text}\n`],
    ["with a line end (CR LF) after them", `${text}\r\n`],
    ["without the line end after them", text.replace(/\r?\n$/, "")],
    ["with the line ends LF in place of CR LF", text.replaceAll("\r\n", "\n")],
    ["with the line ends CR LF in place of LF", text.replaceAll(/\r?\n/g, "\r\n")],
    ["without white space at their ends", text.trim()],
  ];
  for (const [change, changed] of ends) yield [change, Buffer.from(changed)];
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch {
    return;
  }
  for (const changed of serialisations(value)) {
    yield ["the JSON was read and written again, which changes its bytes", Buffer.from(changed)];
    yield ["the JSON was read and written again, with a line end after it", Buffer.from(`${changed}\n`)];
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
