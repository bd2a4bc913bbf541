/** Where gateways tell what became of messages: a path of the public listener, whose requests have to be genuine. */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import * as z from "zod/mini";
import { type HmacScheme, verifyHmac } from "../../hmac.ts";
import { isObject } from "../../json.ts";
import { Told } from "../../locale/told.ts";
import { expected, options, pathText, says, text } from "../../options.ts";
import type { SecretText } from "../../secret.ts";
import type { ReceiptAnswer, ReceiptEndpoint, ReceiptRequest } from "../receipt_endpoint.ts";
import { type Gateway, key } from "./gateway.ts";

/** Where `whatsappCloud()` tells. Enter the address and `verifyToken` in the app's dashboard, and subscribe to `messages`. */
export interface CloudReceiptOptions {
  /** The path that Meta calls, such as `/whatsapp`. Targets with the same app name the same path. */
  path: string;
  /** The app's secret, from its dashboard. */
  appSecret: SecretText;
  /** A text of your choice, which you enter in the app's dashboard as well. */
  verifyToken: SecretText;
}

/** Where `evolution()` and `zapi()` tell. Give them the address with `?token=` and the secret at its end: they sign nothing. */
export interface TokenReceiptOptions {
  /** The path that the gateway calls, such as `/whatsapp`. */
  path: string;
  /** A long random text. */
  secret: SecretText;
}

/** Reads {@link CloudReceiptOptions} or {@link TokenReceiptOptions}, whichever the gateway takes. */
export const receiptsSchema = options({
  path: pathText,
  appSecret: z.optional(key),
  verifyToken: z.optional(key),
  secret: z.optional(text((words) => words.config.expectations.receiptSecret, /^[\w.~-]+$/)), // as it stands in a URL
});

type Read = z.output<typeof receiptsSchema>;

/** What is wrong with the options for this gateway, by name; each with a message. */
export function receiptIssues({ isOfficial }: Gateway, given: Read): [option: keyof Read, message: string][] {
  const [wanted, other] = isOfficial
    ? [["appSecret", "verifyToken"], ["secret"]] as const
    : [["secret"], ["appSecret", "verifyToken"]] as const;
  return [
    ...wanted.filter((name) => given[name] === undefined).map((name): [keyof Read, string] => [name, secretMissing]),
    ...other.filter((name) => given[name] !== undefined).map((name): [keyof Read, string] => [
      name,
      isOfficial ? onlyWithToken : onlyWithCloud,
    ]),
  ];
}

const secretMissing = expected((words) => words.config.expectations.apiKey);
const onlyWithCloud = says((words) => words.config.receiptsOnlyWithCloud);
const onlyWithToken = says((words) => words.config.receiptsOnlyWithToken);

/** The endpoint that these options ask for. */
export function receiptEndpoint(gateway: Gateway, { path, appSecret, verifyToken, secret }: Read): ReceiptEndpoint {
  const heard = (body: Uint8Array, now: number): ReceiptAnswer => {
    const told = objectOf(body);
    return told
      ? { kind: "receipts", receipts: gateway.heard(told, now) }
      : { kind: "invalid", problem: Told.of((words) => words.outcomes.receipts.notJson) };
  };
  if (!gateway.isOfficial) {
    return {
      path,
      allow: "POST",
      secrets: [secret!],
      read({ method, query, body, now }) {
        const given = query.get("token");
        if (given === null) return { kind: "unsigned", reason: "signature_missing" };
        if (!isSame(given, secret!)) return { kind: "unsigned", reason: "signature_wrong" };
        return method === "POST" ? heard(body, now) : { kind: "method" };
      },
    };
  }
  return {
    path,
    allow: "GET, POST",
    secrets: [appSecret!, verifyToken!],
    read(request) {
      if (request.method === "GET") return greet(request, verifyToken!);
      if (request.method !== "POST") return { kind: "method" };
      const signed = verifyHmac(META, [appSecret!], request.body, request.headers.get(META.header));
      return signed.ok ? heard(request.body, request.now) : { kind: "unsigned", reason: signed.reason };
    },
  };
}

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint */
const META: HmacScheme = { header: "X-Hub-Signature-256", prefix: "sha256=", algorithm: "sha256", encoding: "hex" };

/** Meta asks once whether the address is right, without a signature: whoever knows the token gets the challenge back. */
function greet({ query }: ReceiptRequest, verifyToken: string): ReceiptAnswer {
  const challenge = query.get("hub.challenge") ?? "";
  const given = query.get("hub.verify_token");
  if (query.get("hub.mode") !== "subscribe" || given === null) return { kind: "unsigned", reason: "signature_missing" };
  if (!isSame(given, verifyToken)) return { kind: "unsigned", reason: "signature_wrong" };
  return /^[\w.-]{1,256}$/.test(challenge)
    ? { kind: "handshake", body: challenge }
    : { kind: "invalid", problem: Told.of((words) => words.outcomes.receipts.noChallenge) };
}

/** In constant time, whatever their lengths. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}

function objectOf(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
