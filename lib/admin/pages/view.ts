/** What every page is made with: the person's language, the time, and what hides secrets. */

import type { Context } from "hono";
import type { LoadedConfig } from "../../config/load.ts";
import { type Format, formatOf } from "../../locale/format.ts";
import { type Language, type Locale, locales } from "../../locale/mod.ts";
import type { Phrase } from "../../locale/phrase.ts";
import { maskRecipients } from "../../recipient.ts";
import type { Redact } from "../../secret.ts";
import { mapTexts } from "../../targets/message.ts";
import { localeOf } from "./language.ts";

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
  /** A text that is not of the pages alone, in the language of the page. */
  say(phrase: Phrase): string;
  format: Format;
  /** IANA name of the zone of the times. */
  timeZone: string;
  /** Unix milliseconds. */
  now: number;
  /** Path of the page. */
  path: string;
  /** Path and query under which the page can be opened again. */
  address: string;
  /** There is a session that can be ended. */
  isSignedIn: boolean;
  /** What was done just now. */
  notice?: Notice;
  /**
   * A copy of a value in which every text has the config's secrets and recipients masked. Whatever a page prints goes
   * through this.
   */
  clean<Value>(value: Value): Value;
}

/** Tells a person what an action did. It comes with the address that the action redirects to. */
export interface Notice {
  done: DoneName;
  count: number;
}

/** The view of a request. @param now By the store's clock, as all that is shown; Unix milliseconds. */
export function viewOf(c: Context, loaded: LoadedConfig, now: number, isSignedIn: boolean): View {
  const locale = localeOf(c, loaded.config.locale);
  const words = locales[locale].pages;
  const { timeZone } = loaded.config;
  return {
    locale,
    words,
    say: (phrase) => phrase(locales[locale]),
    format: formatOf(locale, timeZone, now),
    timeZone,
    now,
    path: c.req.path,
    address: addressOf(c, loaded.redact),
    isSignedIn,
    notice: noticeOf(c, words),
    clean: (value) => mapTexts(value, (text) => maskRecipients(loaded.redact(text))),
  };
}

/** What a form was sent to shows nothing when it is opened, except at the address of the page with the form. */
function addressOf(c: Context, redact: Redact): string {
  const { pathname: asked, searchParams } = new URL(c.req.url);
  const pathname = asked.replace(/^\/+/, "/"); // an address that begins with two is one of another site
  if (c.req.method !== "GET") return pathname === "/config" ? pathname : "/";
  const query = new URLSearchParams([...searchParams].map(([name, value]) => [name, maskRecipients(redact(value))]));
  return query.size > 0 ? `${pathname}?${query}` : pathname;
}

/** The address of a page that tells what was done. */
export function withNotice(path: string, { done, count }: Notice): string {
  const query = new URLSearchParams({ done, count: String(count) });
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

function noticeOf(c: Context, words: PageWords): Notice | undefined {
  const { done = "", count = "0" } = c.req.query();
  return Object.hasOwn(words.done, done) ? { done: done as DoneName, count: Number(count) || 0 } : undefined;
}
