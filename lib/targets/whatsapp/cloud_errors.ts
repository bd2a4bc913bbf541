/**
 * What errors of WhatsApp's Cloud API mean, by their code, as Meta asks: titles and HTTP statuses change.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
 */

import type { ErrorRow } from "../vendor.ts";

/** Permissions that are missing have codes from 200 to 299. */
const PERMISSION = [200, 299] as const;

/**
 * A code as the table has it. Those of permissions are texts in it: as numbers they would fit HTTP statuses as well, such as
 * the 200 of an answer that has no code.
 */
export function tabled(code: number): number | string {
  return code >= PERMISSION[0] && code <= PERMISSION[1] ? String(code) : code;
}

const permissions = Array.from({ length: PERMISSION[1] - PERMISSION[0] + 1 }, (_, at) => String(PERMISSION[0] + at));

const HOUR_MS = 3_600_000;

/** 1 minute, 2, 4 … for limits whose windows are long; the lane caps it. */
const growingMs = (attempt: number) => 60_000 * 2 ** (attempt - 1);

/** Of several rows that fit, the first counts. An unknown code is judged by the HTTP status. */
export const cloudErrors: readonly ErrorRow[] = [
  // These pass by themselves: unknown and temporary errors, overload, a number that is being registered.
  { codes: [1, 2, 131000, 131016, 133004, 135000], kind: "retry", reason: "server_failed" },
  // Limits of the app, of the account and of the sending number.
  { codes: [4, 80007], kind: "retry", reason: "rate_limited", pauseMs: growingMs },
  { codes: [130429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
  // Too many messages to one recipient: Meta asks for a pause of 4^attempt seconds.
  {
    codes: [131056],
    kind: "retry",
    reason: "rate_limited",
    pauseMs: (attempt) => 4 ** attempt * 1_000,
    holds: "recipient",
  },
  // Spam reports, and the limit on recipients of a day: both end by themselves, and trying them on makes them worse.
  { codes: [131048, 131064], kind: "retry", reason: "number_blocked", pauseMs: HOUR_MS },
  { codes: [131057], kind: "retry", reason: "server_failed", pauseMs: HOUR_MS }, // the account is being maintained
  { codes: [132015], kind: "retry", reason: "template_wrong", pauseMs: HOUR_MS }, // the template is paused
  // The token is not valid, or may not do it.
  { codes: [0, 3, 10, 190, ...permissions, 131005], kind: "dead", reason: "token_refused" },
  // A person has to look at the account: it is blocked, its bill unpaid, or its display name not approved.
  { codes: [368, 130497, 131031, 131037, 131042, 131044], kind: "dead", reason: "number_blocked" },
  {
    codes: [132000, 132001, 132005, 132007, 132008, 132012, 132016, 132018, 132068, 132069],
    kind: "dead",
    reason: "template_wrong",
  },
  { codes: [131047], kind: "dead", reason: "window_closed" },
  // The recipient is the sender itself, has no WhatsApp or an old one, is not on a test number's list, opted out, gets no
  // more of its kind for now, is in an experiment of Meta's, or cannot be sent this by an id.
  {
    codes: [130472, 131021, 131026, 131030, 131049, 131050, 131062],
    kind: "dead",
    reason: "recipient_unreachable",
  },
  // Parameters that are wrong, a message of an unknown type, a sending number that is unknown or not registered.
  { codes: [33, 100, 131008, 131009, 131045, 131051, [133000, 133999]], kind: "dead", reason: "refused" },
];
