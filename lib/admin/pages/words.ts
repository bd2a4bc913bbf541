/** The words of the pages: in English and in Brazilian Portuguese, under the same names. */

import { en } from "./words_en.ts";
import { pt } from "./words_pt.ts";

/** Languages of the pages, as `lang` attributes spell them. */
export type Language = "pt-BR" | "en";

/** Every word of the pages. A `count` that a text takes is a number as the language writes it. */
export type Words = typeof en;

/** State of a target, a delivery or an event. */
export type StateName = keyof Words["states"];

/** What a person did and is told about. */
export type DoneName = keyof Words["done"];

/** A failure in words. */
export interface ReasonWords {
  /** What it is called. */
  name: string;
  /** One sentence: what happened and what to do about it. */
  advice: string;
}

/** The words of a language. */
export function wordsOf(language: Language): Words {
  return language === "en" ? en : pt;
}
