/** The language of a page: what its reader chose, else what the browser asks for, else the config's. */

import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { detectFromHeader, type DetectorOptions } from "hono/language";
import { type Locale, localeFamilies, localeFor, localeNames } from "../../locale/mod.ts";

const COOKIE = "relay_locale";

/** The parameter of an address that chooses a language. */
const PARAMETER = "lang";

/** A year, in seconds. */
const AGE_S = 31_536_000;

const header: DetectorOptions = {
  supportedLanguages: localeFamilies,
  fallbackLanguage: "",
  ignoreCase: true,
  order: ["header"],
  lookupFromHeaderKey: "accept-language",
  lookupQueryString: "",
  lookupCookie: "",
  lookupFromPathIndex: 0,
  caches: false,
};

/** The language to answer a request in. @param own The config's, if it names one. */
export function localeOf(c: Context, own: Locale | undefined): Locale {
  const chosen = named(getCookie(c, COOKIE));
  if (chosen) return chosen;
  const asked = detectFromHeader(c, header);
  return asked ? localeFor(asked) : own ?? "en";
}

/** Remembers the language that the address chooses, and gives the same address without it; `undefined` if it chooses none. */
export function chooseLocale(c: Context): string | undefined {
  const locale = named(c.req.query(PARAMETER));
  if (!locale) return undefined;
  setCookie(c, COOKIE, locale, { path: "/", maxAge: AGE_S, httpOnly: true, sameSite: "Lax" });
  const { pathname, searchParams } = new URL(c.req.url);
  searchParams.delete(PARAMETER);
  const path = pathname.replace(/^\/+/, "/"); // two slashes would name another host
  return searchParams.size > 0 ? `${path}?${searchParams}` : path;
}

/** The address that shows a page in another language from now on. @param address Path and query of the page. */
export function addressIn(locale: Locale, address: string): string {
  return `${address}${address.includes("?") ? "&" : "?"}${PARAMETER}=${locale}`;
}

/** What the speakers of each language call it. */
export const languageNames = Object.fromEntries(localeNames.map((locale) => {
  const name = new Intl.DisplayNames(locale, { type: "language" }).of(localeFamilies[localeNames.indexOf(locale)]!)!;
  return [locale, name[0]!.toLocaleUpperCase(locale) + name.slice(1)];
})) as Record<Locale, string>;

function named(name: string | undefined): Locale | undefined {
  return localeNames.find((one) => one === name);
}
