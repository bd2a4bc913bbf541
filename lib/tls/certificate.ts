/** The certificate and the key of a listener: taken out of PEM, and checked as its senders will check them. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Phrase } from "../locale/phrase.ts";
import type { Warning } from "../warnings.ts";

/** A certificate, which those of its issuers may follow, and its private key; both in PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** Something about `listen.tls.cert` or `listen.tls.key`. */
export interface Finding {
  part: keyof KeyPair;
  message: Phrase;
}

/** A certificate in short, for a person. */
export interface CertificateSummary {
  /** Hosts and addresses that it is for. */
  names: string[];
  /** ISO 8601, UTC. */
  validTo: string;
}

/** What {@link readKeyPair} found. Without issues, there is a pair. */
export interface KeyPairReading {
  pair?: KeyPair;
  /** What no connection could be made with. */
  issues: Finding[];
  /** What senders may refuse of the certificate, now or soon. */
  warnings: Warning[];
}

const DAY_MS = 86_400_000;

/** So long before its end a certificate should have been renewed: those of Let's Encrypt are, 30 days before. */
const SOON_MS = 14 * DAY_MS;

/** Senders refuse RSA keys of fewer bits. @see NIST SP 800-131A */
const MIN_RSA_BITS = 2048;

/**
 * Reads a certificate, which the certificates between it and its authority may follow, and its key.
 * @param pem Texts in PEM, with anything else around the blocks.
 */
export function readKeyPair(pem: KeyPair, nowMs: number): KeyPairReading {
  const certificates = certificatesOf(pem.cert);
  const key = keyOf(pem.key);
  const issues = [certificates, key].filter((one) => "message" in one);
  if ("message" in certificates || "message" in key) return { issues, warnings: [] };
  const [own] = certificates.parsed;
  const mismatch = mismatchOf(certificates.parsed, key.parsed);
  const { modulusLength: bits = MIN_RSA_BITS } = key.parsed.asymmetricKeyDetails ?? {};
  if (mismatch) issues.push(mismatch);
  else if (bits < MIN_RSA_BITS) {
    issues.push({ part: "key", message: ({ config }) => config.certificate.shortKey(bits, MIN_RSA_BITS) });
  }
  const warnings = [
    ...certificates.parsed.flatMap((one, index) => timeWarnings(one, index + 1, nowMs)),
    ...chainWarnings(certificates.parsed),
    ...(own!.subjectAltName ? [] : [(words) => words.noHost] satisfies Warning[]),
  ];
  return { pair: issues.length === 0 ? { cert: certificates.pem, key: key.pem } : undefined, issues, warnings };
}

/** The first certificate of a text in PEM, in short. */
export function summaryOf(cert: string): CertificateSummary {
  const { subjectAltName, subject, validToDate } = new X509Certificate(cert);
  const names = (subjectAltName ?? subject).split(/, |\n/).map((name) => name.replace(/^[\w ]+[:=]/, ""));
  return { names, validTo: validToDate.toISOString() };
}

/** A certificate's fingerprint, as a connection tells it of the other side's. */
export function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}

function certificatesOf(text: string): { pem: string; parsed: X509Certificate[] } | Finding {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (!blocks) {
    const fault = /PRIVATE KEY-----/.test(text)
      ? "isKey"
      : /CERTIFICATE REQUEST-----/.test(text)
      ? "isRequest"
      : "none";
    return { part: "cert", message: ({ config }) => config.certificate[fault] };
  }
  const parsed: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      parsed.push(new X509Certificate(block));
    } catch {
      const place = parsed.length + 1;
      return { part: "cert", message: ({ config }) => config.certificate.damaged(place) };
    }
  }
  return { pem: blocks.map((block) => `${block}\n`).join(""), parsed };
}

function keyOf(text: string): { pem: string; parsed: KeyObject } | Finding {
  const [block] = /-----BEGIN ([A-Z]+ )*PRIVATE KEY-----[\s\S]+?-----END ([A-Z]+ )*PRIVATE KEY-----/.exec(text) ?? [];
  if (block === undefined) {
    const fault = /BEGIN CERTIFICATE-----/.test(text) ? "keyIsCertificate" : "noKey";
    return { part: "key", message: ({ config }) => config.certificate[fault] };
  }
  if (/ENCRYPTED/.test(block)) {
    return { part: "key", message: ({ config }) => config.certificate.passphrase };
  }
  try {
    return { pem: `${block}\n`, parsed: createPrivateKey(block) };
  } catch {
    return { part: "key", message: ({ config }) => config.certificate.damagedKey };
  }
}

function mismatchOf(certificates: X509Certificate[], key: KeyObject): Finding | undefined {
  const at = certificates.findIndex((one) => one.checkPrivateKey(key));
  if (at === 0) return undefined;
  if (at > 0) {
    return { part: "cert", message: ({ config }) => config.certificate.order(at + 1) };
  }
  return { part: "key", message: ({ config }) => config.certificate.mismatch };
}

function timeWarnings({ validFromDate, validToDate }: X509Certificate, place: number, nowMs: number): Warning[] {
  const [from, to] = [validFromDate, validToDate].map(dateOf) as [string, string];
  const left = validToDate.getTime() - nowMs;
  if (left <= 0) return [(words) => words.expired(to, place)];
  if (validFromDate.getTime() > nowMs) return [(words) => words.notYetValid(from, place)];
  if (left > SOON_MS) return [];
  return [(words) => words.expires(Math.floor(left / DAY_MS), to, place)];
}

/** A sender knows the authorities, but not who stands between them and this certificate. */
function chainWarnings(certificates: X509Certificate[]): Warning[] {
  const [own] = certificates;
  if (own!.checkIssued(own!)) return [(words) => words.selfSigned];
  if (certificates.length === 1) {
    const issuer = /^CN=(.+)$/m.exec(own!.issuer)?.[1] ?? own!.issuer.replaceAll("\n", ", ");
    return [(words) => words.noIssuer(issuer)];
  }
  const broken = certificates.findIndex((one, index) => index > 0 && !certificates[index - 1]!.checkIssued(one));
  return broken < 0 ? [] : [(words) => words.noChain(broken + 1)];
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
