/**
 * Recipients of a target that has several, such as people on WhatsApp: each has a lane of its own, `TARGET/RECIPIENT`,
 * so that one of them never holds the others. People, pages and the log are shown no more than the last four digits.
 */

/** A number in E.164, or a WhatsApp id that is scoped to a business, such as `BR.13491208655302741918`. */
const FORM = String.raw`(?:\+\d{7,15}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{5,128})`;

const AT_END = new RegExp(`/(${FORM})$`);
const WHOLE = new RegExp(`^${FORM}$`);
const IN_TEXT = new RegExp(`(?<=[^\\s/])/${FORM}(?![A-Za-z0-9])`, "g");

/** The lane of a target's recipient. */
export function laneOf(target: string, recipient: string): string {
  return `${target}/${recipient}`;
}

/** Whether this is a recipient's number or id. */
export function isRecipient(text: string): boolean {
  return WHOLE.test(text);
}

/** The target whose lane this is: its name, or what stands before a recipient in it. */
export function targetOfLane(lane: string): string {
  return lane.includes("/") ? lane.replace(AT_END, "") : lane;
}

/** A recipient as people are shown it: `…8888`. */
export function shownRecipient(recipient: string): string {
  return `…${recipient.slice(-4)}`;
}

/** A text in which each lane of a recipient is shown as `whats/…8888`. */
export function maskRecipients(text: string): string {
  return text.includes("/") ? text.replace(IN_TEXT, (one) => `/${shownRecipient(one)}`) : text;
}

/** A run of digits that may be somebody's number, as people and vendors write them, also without its area code. */
const NUMBER = /\+?\d(?:[\s\p{Pd}\p{Cf}()./_]{0,3}\d){8,14}(?!\d)/gu;

/** An id that is scoped to a business. */
const SCOPED_ID = /(?<![A-Za-z0-9])[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{8,128}(?![A-Za-z0-9])/g;

/** A text of somebody else's in which each number or id of a recipient is shown by its last four characters. */
export function maskNumbers(text: string): string {
  return text.replaceAll(SCOPED_ID, shownRecipient)
    .replaceAll(NUMBER, (one) => shownRecipient(one.replaceAll(/\D/g, "")));
}

/** Whether a name stands for a lane: it is the lane's own, or that of its target, or the one that people are shown. */
export function isNamed(lane: string, name: string): boolean {
  return lane === name || (lane.includes("/") && (targetOfLane(lane) === name || maskRecipients(lane) === name));
}

/** The lanes that a name stands for. */
export function lanesNamed(name: string, lanes: Iterable<string>): string[] {
  return [...new Set(lanes)].filter((lane) => isNamed(lane, name));
}
