/** Errors that a person reads: what could not be done, which value, what is known, and a hint. */

/** Exit codes of the executable; 78 is `EX_CONFIG` of sysexits.h, which systemd can be told not to restart on. */
export const ExitCode = { ok: 0, failed: 1, usage: 2, config: 78 } as const;

/** A failure with a message for a person. It is printed without a stack trace. */
export class RelayError extends Error {
  override readonly name: string = "RelayError";

  /**
   * @param message What could not be done and why, in one sentence without a full stop and without any secret.
   * @param hint What to do about it.
   * @param exitCode How the executable ends if nothing handles the error.
   */
  constructor(message: string, readonly hint?: string, readonly exitCode: number = ExitCode.failed) {
    super(message);
  }
}

/** One mistake in a config: where, what, and what would fix it. */
export interface ConfigIssue {
  /** Path in the config, such as `routes[1].to`; empty for the config as a whole. */
  path: string;
  message: string;
  hint?: string;
}

/** A config that cannot be used. Carries every mistake that was found, not only the first. */
export class ConfigError extends RelayError {
  override readonly name = "ConfigError";

  /** @param store The config's `store`, where that can be told in spite of the mistakes. */
  constructor(readonly file: string, readonly issues: readonly ConfigIssue[], readonly store?: string) {
    const count = issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`;
    super(`Cannot load ${file}: ${count}`, undefined, ExitCode.config);
  }
}

/** Fixtures that cannot be used. Carries every mistake that was found in all files. */
export class FixtureError extends RelayError {
  override readonly name = "FixtureError";

  constructor(readonly issues: readonly ConfigIssue[]) {
    const count = issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`;
    super(`Cannot read the fixtures: ${count}`, "`relay test --help` describes them", ExitCode.usage);
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
  return textOf(error).replaceAll(/\s*\n\s*/g, " ").trim() || "no message";
}

/** The message of anything that was thrown, with the hint if it has one. */
export function explain(error: unknown): string {
  const hint = error instanceof RelayError && error.hint ? `; ${error.hint}` : "";
  return messageOf(error) + hint;
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
