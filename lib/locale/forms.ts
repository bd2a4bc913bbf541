/** How a language writes numbers, plurals, lists and spans of time: all of it by `Intl`. */

import { once } from "../once.ts";

/** The forms of a noun that a language tells apart by number; `other` is for all that are not named. */
export type PluralForms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** What the words of a language are made with. */
export interface Forms {
  /** `12,345`. */
  number(value: number): string;
  /** A part of 1: `99.5%`. */
  percent(part: number): string;
  /** The form that goes with this number, without the number. */
  plural(count: number, forms: PluralForms): string;
  /** The number, and the form that goes with it: `1 event`, `2,000 events`. */
  count(value: number, forms: PluralForms): string;
  /** `a, b, and c`. */
  and(items: readonly string[]): string;
  /** `a, b, or c`. */
  or(items: readonly string[]): string;
  /** A duration in the largest unit that measures it whole: `90 minutes`. */
  duration(ms: number): string;
  /** About how long: the largest unit that it fills, `3 min`. */
  span(ms: number): string;
  /** How far from now, in the largest unit that it fills: `3 min. ago`, `in 5 sec.`. @param ms Less than 0 is past. */
  relative(ms: number): string;
}

const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** @param tag The language's tag in BCP 47. */
export function formsOf(tag: string): Forms {
  // Each is made at its first use: making one takes a millisecond and memory, and most programs speak one language.
  const number = once(() => new Intl.NumberFormat(tag, { maximumFractionDigits: 1 }));
  const percent = once(() => new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 }));
  const rules = once(() => new Intl.PluralRules(tag));
  const and = once(() => new Intl.ListFormat(tag, { type: "conjunction" }));
  const or = once(() => new Intl.ListFormat(tag, { type: "disjunction" }));
  const relative = once(() => new Intl.RelativeTimeFormat(tag, { style: "short" }));
  const measured = (amount: number, unit: string, unitDisplay: "long" | "short") =>
    new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay }).format(amount);
  const plural = (count: number, forms: PluralForms) => forms[rules().select(count)] ?? forms.other;
  return {
    number: (value) => number().format(value),
    percent: (part) => percent().format(part),
    plural,
    count: (value, forms) => `${number().format(value)} ${plural(value, forms)}`,
    and: (items) => and().format(items),
    or: (items) => or().format(items),
    duration(ms) {
      const [unit, size] = units.find(([, size]) => ms % size === 0) ?? ["millisecond", 1];
      return measured(ms / size, unit, "long");
    },
    span(ms) {
      const [unit, size] = units.find(([, size]) => ms >= size) ?? ["second", 1_000];
      return measured(Math.max(0, Math.floor(ms / size)), unit, "short");
    },
    relative(ms) {
      const [unit, size] = units.find(([, size]) => Math.abs(ms) >= size) ?? ["second", 1_000];
      return relative().format(Math.trunc(ms / size), unit);
    },
  };
}
