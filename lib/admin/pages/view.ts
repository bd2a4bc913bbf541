/** What every page is made with: the person's language, the time, and what hides secrets. */

import type { Context } from "hono";
import { detectFromHeader, type DetectorOptions } from "hono/language";
import type { LoadedConfig } from "../../config/load.ts";
import { type Language, type Locale, localeFamilies, localeFor, locales } from "../../locale/mod.ts";
import { mapTexts } from "../../targets/message.ts";
import { type Format, formatOf } from "../../locale/format.ts";

/** Every word of the pages. */
export type PageWords = Language["pages"];

/** State of a target, a delivery or an event. */
export type StateName = keyof PageWords["states"];

/** What a person did and is told about. */
export type DoneName = keyof PageWords["done"];

/** How a page is to be written. */
export interface View {
  locale: Locale;
  words: PageWords;
  format: Format;
  /** IANA name of the zone of the times. */
  timeZone: string;
  /** Unix milliseconds. */
  now: number;
  /** Path of the page. */
  path: string;
  /** There is a session that can be ended. */
  isSignedIn: boolean;
  /** What was done just now. */
  notice?: Notice;
  /** A copy of a value in which every text has the config's secrets masked. Whatever a page prints goes through this. */
  clean<Value>(value: Value): Value;
}

/** Tells a person what an action did. It comes with the address that the action redirects to. */
export interface Notice {
  done: DoneName;
  count: number;
  /** Id of the event that it made, if it made one. */
  event?: string;
}

const languages: DetectorOptions = {
  supportedLanguages: localeFamilies,
  fallbackLanguage: "en",
  ignoreCase: true,
  order: ["header"],
  lookupFromHeaderKey: "accept-language",
  lookupQueryString: "",
  lookupCookie: "",
  lookupFromPathIndex: 0,
  caches: false,
};

/** The view of a request. @param now By the store's clock, as all that is shown; Unix milliseconds. */
export function viewOf(c: Context, loaded: LoadedConfig, now: number, isSignedIn: boolean): View {
  const locale = localeFor(detectFromHeader(c, languages) ?? "");
  const words = locales[locale].pages;
  const { timeZone } = loaded.config;
  return {
    locale,
    words,
    format: formatOf(locale, timeZone, now),
    timeZone,
    now,
    path: c.req.path,
    isSignedIn,
    notice: noticeOf(c, words),
    clean: (value) => mapTexts(value, loaded.redact),
  };
}

/** The address of a page that tells what was done. */
export function withNotice(path: string, { done, count, event }: Notice): string {
  const query = new URLSearchParams({ done, count: String(count), ...(event && { event }) });
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

function noticeOf(c: Context, words: PageWords): Notice | undefined {
  const { done = "", count = "0", event } = c.req.query();
  return Object.hasOwn(words.done, done) ? { done: done as DoneName, count: Number(count) || 0, event } : undefined;
}
