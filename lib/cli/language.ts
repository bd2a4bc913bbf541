/** The language that the command line speaks: what `--locale` says, else the config's, else that of the terminal. */

import process from "node:process";
import { type Format, formatOf } from "../locale/format.ts";
import { type Language, type Locale, localeFor, localeNames, locales } from "../locale/mod.ts";
import { writtenLocale } from "./written_locale.ts";

/** The zone of times where no config says another; a config's default is the same. */
const TIME_ZONE = "America/Sao_Paulo";

/** The words to speak in. They change when a config is read, so nothing keeps them. */
export let words: Language = locales.en;

/** The language of {@link words}. */
export let locale: Locale = "en";

/** The zone of all times: the config's, which the pages go by as well. */
export let timeZone = TIME_ZONE;

let isAsked = false;

/** The locale that `--locale` names in these arguments; `undefined` without it, or where it is no language. */
export function askedLocale(args: readonly string[]): Locale | undefined {
  const at = args.findIndex((one) => one === "--locale" || one.startsWith("--locale="));
  const name = args[at]?.slice("--locale=".length) || args[at + 1];
  return at < 0 ? undefined : localeNames.find((one) => one === name);
}

/** Chooses the language before anything is printed. @param args What stands after the program's name. */
export function chooseLanguage(args: readonly string[]): void {
  const asked = askedLocale(args);
  isAsked = asked !== undefined;
  // What `init` writes is a config of its own.
  speak(asked ?? (args[0] === "init" ? undefined : writtenLocale(args)) ?? terminalLocale());
}

/** Goes on in a config's language, unless `--locale` asked for another, and in its time zone. */
export function speakAs(config: { locale?: Locale; timeZone?: string }): void {
  if (!isAsked && config.locale !== undefined) speak(config.locale);
  timeZone = config.timeZone ?? timeZone;
}

/** Writes times in the config's zone, which the pages go by as well, and numbers in the language. */
export function formatAt(now: number): Format {
  return formatOf(locale, timeZone, now);
}

function speak(name: Locale): void {
  locale = name;
  words = locales[name];
}

/** The language of the user's terminal. */
function terminalLocale(): Locale {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  return localeFor(LC_ALL || LC_MESSAGES || LANG || "");
}
