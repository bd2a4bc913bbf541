/** A text that is stored now and read later, by somebody whose language is not known yet. */

import { type Locale, localeNames, locales } from "./mod.ts";
import type { Phrase } from "./phrase.ts";

/** A text in every language. As JSON, and as a string, it is the English one. */
export class Told {
  readonly #texts: Readonly<Partial<Record<Locale, string>>> & { en: string };

  private constructor(texts: Partial<Record<Locale, string>> & { en: string }) {
    this.#texts = texts;
  }

  /**
   * Says a phrase in every language.
   * @param edit Changes each of the texts, such as one that masks secrets.
   */
  static of(phrase: Phrase, edit: (text: string) => string = (text) => text): Told {
    const texts = localeNames.map((name) => [name, edit(phrase(locales[name]))]);
    return new Told(Object.fromEntries(texts) as Record<Locale, string>);
  }

  /** Reads what {@link stored} gave; any other text, such as that of an earlier version, is the same in every language. */
  static parse(stored: string): Told {
    if (!stored.startsWith('{"')) return new Told({ en: stored });
    try {
      const texts = JSON.parse(stored) as { en?: unknown };
      return typeof texts.en === "string" ? new Told(texts as { en: string }) : new Told({ en: stored });
    } catch {
      return new Told({ en: stored });
    }
  }

  /** The text in this language, or in English where it was stored without it. */
  in(locale: Locale): string {
    return this.#texts[locale] ?? this.#texts.en;
  }

  /** The text as a phrase: what {@link Told.of} was made of. */
  get phrase(): Phrase {
    return (words) => this.in(localeNames.find((name) => locales[name] === words) ?? "en");
  }

  /** The text to store: JSON with every language, or one text where they do not differ. */
  stored(): string {
    const [first, ...others] = Object.values(this.#texts);
    return others.every((one) => one === first) ? first! : JSON.stringify(this.#texts);
  }

  /** A copy with each of the texts changed. */
  map(edit: (text: string) => string): Told {
    return new Told(
      Object.fromEntries(Object.entries(this.#texts).map(([name, text]) => [name, edit(text)])) as { en: string },
    );
  }

  toString(): string {
    return this.#texts.en;
  }

  toJSON(): string {
    return this.#texts.en;
  }
}
