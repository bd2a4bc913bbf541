/** Every language. A new one is one file beside this, and its name here: the compiler tells what it still lacks. */

import { en, type Language } from "./en.ts";
import { ptBr } from "./pt_br.ts";

export type { Language };

/** A language, as a config names it and `lang` in a page. */
export type Locale = "pt-BR" | "en";

/** The words of each language. */
export const locales: Record<Locale, Language> = { "pt-BR": ptBr, en };

/** The names of all languages. */
export const localeNames = Object.keys(locales) as Locale[];

/** Their names without the country: `pt`, `en`. */
export const localeFamilies = localeNames.map(familyOf);

/** The first locale of the same language as this tag of a browser, or `LANG` of a terminal; else English. */
export function localeFor(tag: string): Locale {
  return localeNames[localeFamilies.indexOf(familyOf(tag))] ?? "en";
}

function familyOf(tag: string): string {
  return tag.toLowerCase().split(/[-_.]/)[0]!;
}
