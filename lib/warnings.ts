/** What an operator should know of a config that is sound. */

import type { ConfigIssue } from "./errors.ts";
import { type Language, type Locale, locales } from "./locale/mod.ts";

/** The words of warnings. */
export type WarningWords = Language["warnings"];

/** Says a warning in the language of the words. */
export type Warning = (words: WarningWords) => string;

/** A warning, and the path in the config that it is about. */
export interface ConfigWarning {
  path: string;
  /** A {@link Warning}; it may say an error, which needs all words of the language. */
  warning: (words: WarningWords, all: Language) => string;
  /** What is left to do before the relay can be used, if that is what the warning is about. */
  todo?: Todo;
}

/** Something that is left to do. */
export interface Todo {
  /** It belongs before the start of the relay; else it can be done while the relay runs. */
  isFirst: boolean;
  say: Warning;
}

/** Warnings as a person reads them. */
export function toldIn(
  locale: Locale,
  warnings: readonly ConfigWarning[],
): { path: string; message: string }[] {
  const words = locales[locale];
  return warnings.map(({ path, warning }) => ({ path, message: warning(words.warnings, words) }));
}

/** A warning as a mistake is told. */
export function issueOf({ path, warning }: ConfigWarning): ConfigIssue {
  return { path, message: (words) => warning(words.warnings, words) };
}

/** A path as a shell reads it. */
export function shellPath(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
