/** WhatsApp's markup. @see https://faq.whatsapp.com/539178204879377 */

import type { Markup } from "../../messages/chat_message.ts";
import type { MarkedText } from "../../messages/cut.ts";

/** Most characters of a text message. @see https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages */
export const MAX_TEXT = 4_096;

/** Shows nothing, and is no blank: a mark beside it neither begins nor ends anything. */
const ZERO_WIDTH_SPACE = "\u200b";

/** Marks at the edge of a word. One between letters or digits, as in CLIENTE_123, formats nothing. */
const MARKS = /(?<![\p{L}\p{N}])[*_~`]+|[*_~`]+(?![\p{L}\p{N}])/gu;

/** Where a line begins as a list or a quotation. */
const LINES = /^(?=(?:[->]|\d{1,9}\.)[ \t])/gm;

/**
 * A text whose marks format nothing. WhatsApp has no escape, but a mark counts only if it touches a word on one side and a
 * blank or the text's edge on the other, and at the start of a line only if it is its first character.
 */
export function neutralise(text: string): string {
  return text
    .replaceAll(MARKS, (marks) => ZERO_WIDTH_SPACE + [...marks].join(ZERO_WIDTH_SPACE) + ZERO_WIDTH_SPACE)
    .replaceAll(LINES, ZERO_WIDTH_SPACE);
}

/** What matters where a text is cut: a link is whole or not there, and a mark beside a zero-width space is none. */
export const markedText: MarkedText = {
  whole: /https?:\/\/\S+|\u200b[*_~`]/gu,
  marks: ["```", "*", "_", "~", "`"],
};

/** How a default message is written. */
export const markup: Markup = {
  escape: neutralise,
  bold: (text) => `*${text}*`,
  link: (label, url) => `${neutralise(label)}: ${url}`,
};
