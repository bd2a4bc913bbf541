/** How default messages are written: language, time zone, and how much of a note they tell. */

import * as z from "zod/mini";
import { type Locale, localeNames } from "../locale/mod.ts";
import { nearest } from "../nearest.ts";
import { text } from "../options.ts";

/** Language and time zone of default messages. */
export interface LocaleOptions {
  /** Language of this target's default message. Default: the config's `locale`. */
  locale?: Locale;
  /** IANA time zone of its times. Default: the config's `timeZone`. */
  timeZone?: string;
}

/** Options of targets that have a default message. */
export interface DefaultMessageOptions extends LocaleOptions {
  /**
   * `true` puts the text of the note's sections, which is clinical, into the default message of an event with `enrich`.
   * Default: `false`, only their titles.
   */
  includeNoteText?: boolean;
}

/** Reads the IANA name of a time zone. */
export const timeZoneName = text((words) => words.config.expectations.timeZone, isTimeZone, meantTimeZone);

/** The zod shape of {@link LocaleOptions}. */
export const localeShape = { locale: z.optional(z.enum(localeNames)), timeZone: z.optional(timeZoneName) };

/** The zod shape of {@link DefaultMessageOptions}. */
export const defaultMessageShape = { ...localeShape, includeNoteText: z.optional(z.boolean()) };

/** What a config says of all default messages. */
export interface MessageContext {
  locale: Locale;
  timeZone: string;
  /** Where a browser reaches the operator's pages, as an origin without a final slash; without it nothing links there. */
  pagesUrl?: string;
}

/** How a target's default messages are written. */
export interface MessageStyle extends MessageContext {
  includeNoteText: boolean;
}

/** The style that a target's options ask for, and for the rest the config around it. */
export function styleOf(options: DefaultMessageOptions, { locale, timeZone, pagesUrl }: MessageContext): MessageStyle {
  return {
    locale: options.locale ?? locale,
    timeZone: options.timeZone ?? timeZone,
    includeNoteText: options.includeNoteText ?? false,
    pagesUrl,
  };
}

/** `"Sao Paulo"` is `"America/Sao_Paulo"`. */
function meantTimeZone(value: unknown): string | undefined {
  const zones = Intl.supportedValuesOf("timeZone");
  const name = String(value).trim().replaceAll(" ", "_");
  const near = zones.find((zone) => zone.split("/").at(-1)!.toLowerCase() === name.toLowerCase()) ??
    nearest(name, zones);
  return near && JSON.stringify(near);
}

function isTimeZone(name: string): boolean {
  try {
    return !!new Intl.DateTimeFormat("en", { timeZone: name });
  } catch {
    return false;
  }
}
