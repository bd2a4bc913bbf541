/** A text that is stored now and read later, by somebody whose language is not known yet. */

import { type Locale, localeNames, locales } from "./mod.ts";
import type { Phrase } from "./phrase.ts";

/** The text in each language; the English one alone where all are the same, or where the others are not known. */
type Texts = Readonly<Partial<Record<Locale, string>> & { en: string }>;

/** A text in every language. As JSON, and as a string, it is the English one. */
export class Told {
  // Not `#private`: two that say the same are equal, to `isDeepStrictEqual` too.
  private constructor(private readonly texts: Texts) {}

  /**
   * Says a phrase in every language.
   * @param phrase A text is the same in every language, such as what another program said.
   * @param edit Changes each of the texts, such as one that masks secrets.
   */
  static of(phrase: Phrase | string, edit: (text: string) => string = (text) => text): Told {
    if (typeof phrase === "string") return new Told({ en: edit(phrase) });
    const texts = localeNames.map((name) => [name, edit(phrase(locales[name]))]);
    return Told.#made(Object.fromEntries(texts) as Texts);
  }

  /** Reads what {@link stored} gave; any other text, such as that of an earlier version, is the same in every language. */
  static parse(stored: string): Told {
    if (!stored.startsWith('{"')) return new Told({ en: stored });
    try {
      const texts = JSON.parse(stored) as { en?: unknown };
      return typeof texts.en === "string" ? new Told(texts as Texts) : new Told({ en: stored });
    } catch {
      return new Told({ en: stored });
    }
  }

  static #made(texts: Texts): Told {
    const { en } = texts;
    return new Told(Object.values(texts).every((one) => one === en) ? { en } : texts);
  }

  /** The text in this language, or in English where it was stored without it. */
  in(locale: Locale): string {
    return this.texts[locale] ?? this.texts.en;
  }

  /** The text as a phrase: what {@link Told.of} was made of. */
  get phrase(): Phrase {
    return (words) => this.in(localeNames.find((name) => locales[name] === words) ?? "en");
  }

  /** The text to store: JSON with every language, or one text where they do not differ. */
  stored(): string {
    const { en, ...others } = this.texts;
    return Object.keys(others).length === 0 && !en.startsWith('{"') ? en : JSON.stringify(this.texts);
  }

  /** A copy with each of the texts changed. */
  map(edit: (text: string) => string): Told {
    const texts = Object.entries(this.texts).map(([name, text]) => [name, edit(text)]);
    return Told.#made(Object.fromEntries(texts) as Texts);
  }

  toString(): string {
    return this.texts.en;
  }

  toJSON(): string {
    return this.texts.en;
  }
}
