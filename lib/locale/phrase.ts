/** Texts that are said in the language of whoever reads them. */

import { en, type Language } from "./en.ts";

/** A text in any language: it is given the words of one, and says itself with them. */
export type Phrase = (words: Language) => string;

/** A phrase in English: the language of the log, of JSON, and of an error's `message`. */
export function inEnglish(phrase: Phrase): string {
  return phrase(en);
}
