/** Errors that a person reads: what could not be done, which value, what is known, and a hint. */

import { inEnglish, type Phrase } from "./locale/phrase.ts";
import type { Language, Locale } from "./locale/mod.ts";

/** Exit codes of the executable; 78 is `EX_CONFIG` of sysexits.h, which systemd can be told not to restart on. */
export const ExitCode = { ok: 0, failed: 1, usage: 2, config: 78 } as const;

/** A failure with a message for a person, in the language of whoever reads it. It is printed without a stack trace. */
export class RelayError extends Error {
  override readonly name: string = "RelayError";
  readonly #phrase: Phrase;
  readonly #hint?: Phrase;

  /**
   * @param phrase What could not be done and why, in one sentence without a full stop and without any secret. A text is the
   * same in every language, such as what another program said.
   * @param hint What to do about it.
   * @param exitCode How the executable ends if nothing handles the error.
   */
  constructor(phrase: Phrase | string, hint?: Phrase | string, readonly exitCode: number = ExitCode.failed) {
    const said = asPhrase(phrase);
    super(inEnglish(said));
    this.#phrase = said;
    this.#hint = hint === undefined ? undefined : asPhrase(hint);
  }

  /** The hint in English, for the log and JSON. */
  get hint(): string | undefined {
    return this.#hint && inEnglish(this.#hint);
  }

  /** The message in a language. */
  say(words: Language): string {
    return this.#phrase(words);
  }

  /** The hint in a language. */
  sayHint(words: Language): string | undefined {
    return this.#hint?.(words);
  }
}

function asPhrase(phrase: Phrase | string): Phrase {
  return typeof phrase === "string" ? () => phrase : phrase;
}

/** One mistake in a config: where, what, and what would fix it. */
export interface ConfigIssue {
  /** Path in the config, such as `routes[1].to`; empty for the config as a whole. */
  path: string;
  message: Phrase;
  hint?: Phrase;
  /** What to mark in the file, where that is not the value at `path`. */
  at?: { path: readonly PropertyKey[]; marksKey?: boolean };
  /** Where the mistake is written, as far as that is known. */
  place?: Place;
}

/** A place in a file. */
export interface Place {
  /** Absolute path of the file. */
  file: string;
  /** From 1, as editors count. */
  line: number;
  column: number;
  /** The line, its secrets masked, and which part of it is meant: from one index up to another. */
  excerpt?: { text: string; from: number; to: number };
}

/** A mistake as JSON tells it: in English, with the place where it is written. */
export function issueJson({ path, message, hint, place }: ConfigIssue) {
  const { file, line, column } = place ?? {};
  return { path, message: inEnglish(message), hint: hint && inEnglish(hint), file, line, column };
}

/** A mistake on one line, with its place in the config before it. */
export function sayIssue({ path, message }: ConfigIssue): Phrase {
  return (words) => path ? `${path}: ${message(words)}` : message(words);
}

/** What is known of a config that cannot be used. */
export interface ToldConfig {
  store?: string;
  locale?: Locale;
}

/** A config that cannot be used. Carries every mistake that was found, not only the first. */
export class ConfigError extends RelayError {
  override readonly name = "ConfigError";

  /** @param told What the config says, as far as that can be told in spite of the mistakes. */
  constructor(
    readonly file: string,
    readonly issues: readonly ConfigIssue[],
    readonly told: ToldConfig = {},
    hint?: Phrase,
  ) {
    super((words) => words.config.cannotLoad(file, issues.length), hint, ExitCode.config);
  }
}

/** Fixtures that cannot be used. Carries every mistake that was found in all files. */
export class FixtureError extends RelayError {
  override readonly name = "FixtureError";

  constructor(readonly issues: readonly ConfigIssue[]) {
    super((words) => words.fixtures.cannotRead(issues.length), (words) => words.fixtures.seeHelp, ExitCode.usage);
  }
}

/** The store cannot write or read now. Whoever asked may try again later. */
export class StoreError extends RelayError {
  override readonly name = "StoreError";
  /** Another program holds the store: whatever else is to be written waits as long, and fails as well. */
  isHeld = false;
}

/** Whether an error says what is wrong with what was asked, and not that the store cannot be used now. */
export function isRefusal(error: unknown): error is RelayError {
  return error instanceof RelayError && !(error instanceof StoreError);
}

/** A message function of the config that threw, or returned what its target cannot send. */
export class MessageError extends RelayError {
  override readonly name = "MessageError";
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  return oneLine(textOf(error)) || "no message";
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}

/** What is wrong, in a language: what a {@link RelayError} says, what the system means by its code, or the message. */
export function sayError(error: unknown): Phrase {
  return (words) =>
    error instanceof RelayError ? oneLine(error.say(words)) : saySystem(error, words) ?? messageOf(error);
}

/** What to do about anything that was thrown, in a language, if that is known. */
export function hintOf(error: unknown): Phrase | undefined {
  return error instanceof RelayError && error.hint !== undefined ? (words) => error.sayHint(words)! : undefined;
}

/** What the operating system says, if it is that. */
function saySystem(error: unknown, { errors }: Language): string | undefined {
  const { code, path: from, dest, syscall } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException & {
    dest?: string;
  };
  const path = code === "ENOSPC" ? dest ?? from : from; // of two files, it is the one that is written
  const text = (errors.system as Partial<Record<string, string>>)[code ?? ""];
  return syscall === "connect" ? undefined : text && errors.systemSays(text, path, code!);
}

/** The message of anything that was thrown, with the hint if it has one. */
export function explain(error: unknown): string {
  const hint = error instanceof RelayError && error.hint ? `; ${error.hint}` : "";
  return messageOf(error) + hint;
}

/** What {@link explain} says, in a language. */
export function sayExplained(error: unknown): Phrase {
  return (words) => [sayError(error)(words), hintOf(error)?.(words)].filter(Boolean).join("; ");
}

/** A thrown value may be anything, even what cannot be made a text. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "";
  }
}

/** What kind of value this is, in words. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
