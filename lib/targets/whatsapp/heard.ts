/** What gateways tell of messages, in the shapes of their webhooks. What is of another shape is passed over. */

import { isObject } from "../../json.ts";
import { type HeardReceipt, isMessageId } from "../../receipt.ts";
import { lateFailure, type Vendor, type VendorError } from "../vendor.ts";

type Status = HeardReceipt["status"];

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status */
const cloudStatuses: Readonly<Record<string, Status>> = {
  sent: "sent",
  delivered: "delivered",
  read: "read",
  played: "read", // of a voice message
  failed: "failed",
};

/** What the Cloud API tells; it gives the delivery's id back. @param errorOf Reads one of its errors. */
export function heardFromCloud(
  body: Record<string, unknown>,
  now: number,
  vendor: Vendor,
  errorOf: (error: Record<string, unknown>) => VendorError,
): HeardReceipt[] {
  const statuses = listOf(body.entry).flatMap(({ changes }) => listOf(changes))
    .flatMap(({ value }) => isObject(value) ? listOf(value.statuses) : []);
  return statuses.flatMap(({ id, status, timestamp, errors, biz_opaque_callback_data: delivery }) => {
    const known = statusOf(cloudStatuses, status);
    if (!isMessageId(id) || !known) return [];
    const [error] = listOf(errors);
    return [{
      message: id,
      ...(typeof delivery === "string" && { delivery }),
      status: known,
      at: timeOf(Number(timestamp) * 1_000, now),
      ...(known === "failed" && { failure: lateFailure(vendor, error ? errorOf(error) : {}) }),
    }];
  });
}

/** As words, or as the numbers of the protocol. @see https://doc.evolution-api.com/v2/en/configuration/webhooks, MESSAGES_UPDATE */
const evolutionStatuses: Readonly<Record<string, Status>> = {
  ERROR: "failed",
  0: "failed",
  SERVER_ACK: "sent",
  2: "sent",
  DELIVERY_ACK: "delivered",
  3: "delivered",
  READ: "read",
  4: "read",
  PLAYED: "read",
  5: "read",
};

/** What an Evolution API tells of messages that it sent. */
export function heardFromEvolution(body: Record<string, unknown>, now: number, vendor: Vendor): HeardReceipt[] {
  if (!/^messages[._-]update$/i.test(String(body.event))) return [];
  return listOf([body.data].flat()).flatMap((data) => {
    const { keyId, fromMe = true } = data;
    const key = isObject(data.key) ? data.key : {};
    const update = isObject(data.update) ? data.update : {};
    const message = keyId ?? key.id;
    const status = statusOf(evolutionStatuses, data.status ?? update.status);
    if (!isMessageId(message) || !status || (key.fromMe ?? fromMe) === false) return [];
    const at = timeOf(Date.parse(String(body.date_time)), now);
    return [{ message, status, at, ...(status === "failed" && { failure: lateFailure(vendor, {}, "retry") }) }];
  });
}

/** `READ_BY_ME` is the sender's own. @see https://developer.z-api.io/en/webhooks/on-whatsapp-message-status-changes */
const zapiStatuses: Readonly<Record<string, Status>> = {
  SENT: "sent",
  RECEIVED: "delivered",
  READ: "read",
  PLAYED: "read",
};

/** What Z-API tells: of its queue, and of the message behind it. */
export function heardFromZapi(body: Record<string, unknown>, now: number, vendor: Vendor): HeardReceipt[] {
  const at = timeOf(Number(body.momment), now);
  // @see https://developer.z-api.io/en/webhooks/on-message-send
  if (body.type === "DeliveryCallback" && isMessageId(body.messageId)) {
    const { messageId: message, error: said } = body;
    return typeof said === "string" ? [{ message, status: "failed", at, failure: lateFailure(vendor, { said }) }] : [];
  }
  const status = body.type === "MessageStatusCallback" ? statusOf(zapiStatuses, body.status) : undefined;
  if (!status || !Array.isArray(body.ids)) return [];
  return body.ids.filter(isMessageId).map((message) => ({ message, status, at }));
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function statusOf(statuses: Readonly<Record<string, Status>>, status: unknown): Status | undefined {
  const name = String(status);
  return Object.hasOwn(statuses, name) ? statuses[name] : undefined;
}

/** A time that a vendor gives, in Unix milliseconds; one that makes no sense is now. */
function timeOf(ms: number, now: number): number {
  return Number.isSafeInteger(ms) && ms > 0 && ms < now + 86_400_000 ? ms : now;
}
