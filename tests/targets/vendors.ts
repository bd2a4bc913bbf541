/** What the email providers document: where a message goes, in which form, and what is answered. */

import { Buffer } from "node:buffer";
import type { Outcome } from "../../lib/outcome.ts";
import type { Reason } from "../../lib/reason.ts";
import { type Respond, type SinkRequest, status } from "../helpers/sink.ts";
import { makeDelivery, makeEvent } from "../helpers/target.ts";

export const KEY = "key_4f7c91d2+/e8";

/** A provider, as its documentation has it. */
export interface Vendor {
  /** What its function takes beside the key. */
  options?: object;
  host: string;
  path: string;
  /** The header that bears the key, in lower case, and its value. */
  key: [name: string, value: string];
  /** Takes a message. */
  taken: Respond;
  /** The message in a request, with headers that matter. */
  read(request: SinkRequest): unknown;
  /** The message that `read` gives for the sample. */
  message: unknown;
  /** Statuses and answers of failures, the vendor's words in them, and what follows if it is not dead. */
  refusals: [Refusal, ...Refusal[]];
  /** Headers and answer of a limit that lasts so many seconds from now. */
  limit(): [headers: Record<string, string>, answer: unknown, seconds: number];
}

type Refusal = [status: number, answer: unknown, words: string, kind?: Outcome["kind"], reason?: Reason];

const { id } = makeDelivery();

export const messageId = `${id}@clinica.example`;

const from = "Clínica <relay@clinica.example>";
const to = ["a@clinica.example", '"B, Ana" <b@outra.example>'];
const mailboxes = {
  from: { email: "relay@clinica.example", name: "Clínica" },
  to: [{ email: "a@clinica.example" }, { email: "b@outra.example", name: "B, Ana" }],
};
const subject = "Nota Bcc: mal@x.example";
const text = "Olá";
const html = "<b>Olá</b>";
const ownHeaders = {
  "Relay-Event-Id": makeEvent().id,
  "Relay-Event-Type": "note.failed",
  "Auto-Submitted": "auto-generated",
};
const headers = { ...ownHeaders, "Message-ID": `<${messageId}>` };

const json = ({ headers, body }: SinkRequest) => ({ type: headers["content-type"], ...JSON.parse(body.toString()) });
const JSON_TYPE = { type: "application/json" };

export const vendors: Record<string, Vendor> = {
  // https://resend.com/docs/api-reference/emails/send-email and …/errors
  resend: {
    host: "https://api.resend.com",
    path: "/emails",
    key: ["authorization", `Bearer ${KEY}`],
    taken: status(200, '{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}'),
    read: (request) => ({ once: request.headers["idempotency-key"], ...json(request) }),
    message: { ...JSON_TYPE, once: id, from, to, subject, text, html, headers },
    refusals: [
      [403, { statusCode: 403, name: "invalid_api_key", message: "API key is invalid" }, "API key is invalid"],
      [
        401,
        { statusCode: 401, name: "missing_api_key", message: "Missing API key in the authorization header." },
        "Missing API key in the authorization header",
      ],
      [
        422,
        { statusCode: 422, name: "invalid_from_address", message: "Invalid `from` field.\nUse `Name <email>`." },
        "Invalid `from` field. Use `Name <email>`",
      ],
      [
        409,
        { statusCode: 409, name: "invalid_idempotent_request", message: "Same idempotency key, other payload" },
        "Same idempotency key, other payload",
      ],
      [
        409,
        { statusCode: 409, name: "concurrent_idempotent_requests", message: "Same key while in progress" },
        "Same key while in progress",
        "retry",
      ],
    ],
    limit: () => [
      { "retry-after": "1", "ratelimit-reset": "1" },
      { statusCode: 429, name: "rate_limit_exceeded", message: "Too many requests" },
      1,
    ],
  },

  // https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send and …/how-to-use-the-sendgrid-v3-api
  sendgrid: {
    host: "https://api.sendgrid.com",
    path: "/v3/mail/send",
    key: ["authorization", `Bearer ${KEY}`],
    taken: status(202, "", { "X-Message-Id": "14c5d75ce93.dfd.64b469" }),
    read: json,
    message: {
      ...JSON_TYPE,
      personalizations: [{ to: mailboxes.to }],
      from: mailboxes.from,
      subject,
      content: [{ type: "text/plain", value: text }, { type: "text/html", value: html }],
      headers,
    },
    refusals: [
      [
        401,
        { errors: [{ message: "The provided authorization grant is invalid", field: null, help: null }] },
        "The provided authorization grant is invalid",
      ],
      [
        403,
        { errors: [{ message: "The from address does not match a verified Sender Identity.", field: "from" }] },
        "The from address does not match a verified Sender Identity. (from)",
      ],
      [
        400,
        { errors: [{ message: "Does not contain a valid address", field: "to" }, { message: "Bad Request" }] },
        "Does not contain a valid address (to); Bad Request",
      ],
    ],
    limit: () => [
      { "X-RateLimit-Reset": String(Math.floor(Date.now() / 1000) + 900) },
      { errors: [{ field: null, message: "too many requests" }] },
      900,
    ],
  },

  // https://postmarkapp.com/developer/api/email-api and …/overview
  postmark: {
    host: "https://api.postmarkapp.com",
    path: "/email",
    key: ["x-postmark-server-token", KEY],
    taken: status(200, JSON.stringify({ To: to.join(", "), MessageID: "b7bc2f4a", ErrorCode: 0, Message: "OK" })),
    read: json,
    message: {
      ...JSON_TYPE,
      From: from,
      To: to.join(", "),
      Subject: subject,
      TextBody: text,
      HtmlBody: html,
      Headers: Object.entries({ ...headers, "X-PM-KeepID": "true" }).map(([Name, Value]) => ({ Name, Value })),
    },
    refusals: [
      [
        401,
        { ErrorCode: 10, Message: "Request does not contain a valid Server token." },
        "Request does not contain a valid Server token",
      ],
      [
        422,
        {
          ErrorCode: 406,
          Message: "You tried to send to a recipient that has been marked as inactive.\nFound: a@b.c.",
        },
        "You tried to send to a recipient that has been marked as inactive. Found: a@b.c",
      ],
    ],
    limit: () => [{ "Retry-After": "30" }, { ErrorCode: 429, Message: "Rate limit exceeded" }, 30],
  },

  // https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
  mailgun: {
    options: { domain: "mg.clinica.example" },
    host: "https://api.mailgun.net",
    path: "/v3/mg.clinica.example/messages",
    key: ["authorization", `Basic ${Buffer.from(`api:${KEY}`).toString("base64")}`],
    taken: status(200, '{"id":"<20240203.1@mg.clinica.example>","message":"Queued. Thank you."}'),
    read: ({ headers, body }) => [headers["content-type"], ...new URLSearchParams(body.toString())],
    message: [
      "application/x-www-form-urlencoded",
      ["from", from],
      ...to.map((one) => ["to", one]),
      ["subject", subject],
      ["text", text],
      ["html", html],
      ["h:Message-Id", `<${messageId}>`],
      ...Object.entries(ownHeaders).map(([name, value]) => [`h:${name}`, value]),
    ],
    refusals: [
      [401, { message: "Invalid private key" }, "Invalid private key"],
      [
        403,
        { message: "Domain mg.clinica.example is not allowed to send: disabled." },
        "Domain mg.clinica.example is not allowed to send: disabled",
      ],
      [
        400,
        { message: "to parameter is not a valid address. please check documentation" },
        "to parameter is not a valid address. please check documentation",
      ],
    ],
    limit: () => [{ "Retry-After": "120" }, { message: "Too many requests" }, 120],
  },

  // https://developers.brevo.com/reference/send-transac-email, …/docs/how-it-works and …/docs/limit-headers
  brevo: {
    host: "https://api.brevo.com",
    path: "/v3/smtp/email",
    key: ["api-key", KEY],
    taken: status(201, '{"messageId":"<201798300811.5787683@smtp-relay.mailin.fr>"}'),
    read: json,
    message: {
      ...JSON_TYPE,
      sender: mailboxes.from,
      to: mailboxes.to,
      subject,
      textContent: text,
      htmlContent: html,
      headers: { ...headers, idempotencyKey: id },
    },
    refusals: [
      [401, { code: "unauthorized", message: "Key not found" }, "Key not found"],
      [400, { code: "invalid_parameter", message: "sender is not valid" }, "sender is not valid"],
      [402, { code: "not_enough_credits", message: "Insufficient credits" }, "Insufficient credits", "retry"],
      [400, { code: "duplicate_parameter", message: "Duplicate idempotencyKey" }, "taken before", "delivered"],
    ],
    limit: () => [
      { "x-sib-ratelimit-limit": "1000", "x-sib-ratelimit-remaining": "0", "x-sib-ratelimit-reset": "45" },
      { code: "too_many_requests", message: "Too many requests" },
      45,
    ],
  },
};
