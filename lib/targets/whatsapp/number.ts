/**
 * Numbers of WhatsApp. Brazilian mobiles got a ninth digit, a 9 before the other eight, and WhatsApp knows many of them
 * without it: with and without it, a number is the same recipient.
 * @see https://en.wikipedia.org/wiki/Telephone_numbers_in_Brazil
 */

import { isRecipient, shownRecipient } from "../../recipient.ts";

/** A Brazilian mobile: its area, the ninth digit where it has one, and the other eight. */
const BRAZILIAN_MOBILE = /^55(\d\d)(9?)([6-9]\d{7})$/;

/** A Brazilian number in the country: perhaps a 0 or a carrier's code before the area, then eight digits or nine. */
const IN_BRAZIL = /^(?:0(?:\d\d)?)?([1-9]{2}(?:9[6-9]\d{7}|[2-9]\d{7}))$/;

/** Whether a recipient is a number, and not an id that is scoped to a business. */
export function isNumber(recipient: string): boolean {
  return recipient.startsWith("+");
}

/** The digits of a number: vendors take and give them without `+`. */
export function digitsOf(number: string): string {
  return number.replace(/^\+/, "");
}

/**
 * A recipient in the one form that it is compared by: of a Brazilian mobile with its ninth digit, of any number with `+`.
 * @param recipient A number with or without `+`, or an id that is scoped to a business.
 */
export function canonicalNumber(recipient: string): string {
  const digits = digitsOf(recipient);
  if (!/^\d+$/.test(digits)) return recipient;
  const [, area, , rest] = BRAZILIAN_MOBILE.exec(digits) ?? [];
  return area === undefined ? `+${digits}` : `+55${area}9${rest}`;
}

/** Whether two numbers or ids are the same recipient, with or without `+` and the ninth digit. */
export function isSameNumber(one: string, other: string): boolean {
  return canonicalNumber(one) === canonicalNumber(other);
}

/** Whether a number is of the length of its country, as far as that is known: of Brazil's with area, 10 or 11 digits. */
export function hasKnownLength(recipient: string): boolean {
  return !recipient.startsWith("+55") || /^\+55\d{10,11}$/.test(recipient);
}

/** `"31999998888"` and `"+55 (31) 99999-8888"` are `"+5531999998888"`. */
export function meantNumber(value: unknown): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value).replace(/^(whatsapp|tel):/i, "").replaceAll(/[\s().-]/g, "");
  const [, sign, digits] = /^(\+|00)?(\d+)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const inBrazil = sign === undefined ? IN_BRAZIL.exec(digits)?.[1] : undefined;
  const isInternational = sign !== undefined || /^55\d{10,11}$/.test(digits);
  const number = inBrazil !== undefined ? `+55${inBrazil}` : isInternational ? `+${digits}` : "";
  return isRecipient(number) ? JSON.stringify(number) : undefined;
}

/** What stands between the digits of a number where people write it. */
const BETWEEN = "[\\s().-]{0,3}";

/** Fewest digits at the end of a text that was cut that may be the start of a number. */
const MIN_CUT = 6;

/**
 * Makes a function that shows no more than the last four digits of a recipient, in every form in which a vendor may repeat
 * it: with or without `+`, country, ninth digit or blanks, in an id of a message, and where a text was cut within it.
 */
export function recipientMask(recipient: string): (text: string) => string {
  const shown = shownRecipient(recipient);
  if (!isNumber(recipient)) return (text) => maskIds(text.replaceAll(recipient, shown));
  const digits = digitsOf(recipient);
  const [, area, , rest] = BRAZILIAN_MOBILE.exec(digits) ?? [];
  const spaced = (some: string) => [...some].join(BETWEEN);
  const whole = area === undefined
    ? `\\+?${spaced(digits)}`
    : `(?:\\+?${spaced("55")}${BETWEEN})?${spaced(area)}${BETWEEN}(?:9${BETWEEN})?${spaced(rest!)}`;
  const pattern = new RegExp(whole, "g");
  const forms = area === undefined ? [digits] : [`55${area}9${rest}`, `55${area}${rest}`];
  return (text) => maskCut(maskIds(text).replaceAll(pattern, shown), forms);
}

/** Meta's ids of messages hold the number in Base64; what makes them differ is at their end. */
function maskIds(text: string): string {
  return text
    .replaceAll(/wamid\.[\w+/=-]*$/g, "wamid.…")
    .replaceAll(/wamid\.([\w+/=-]+)/g, (_, id: string) => `wamid.…${id.slice(-12)}`);
}

function maskCut(text: string, forms: readonly string[]): string {
  const [end = ""] = /\d+$/.exec(text) ?? [];
  const isCut = end.length >= MIN_CUT && forms.some((form) => form.startsWith(end));
  return isCut ? `${text.slice(0, -end.length).replace(/\+$/, "")}…` : text;
}
