/** Verbs that change much: they ask first, show how far they are, and stop where the user says so. */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import { ExitCode } from "../errors.ts";
import { inEnglish } from "../locale/phrase.ts";
import { words } from "./language.ts";
import { print, printJson } from "./shared.ts";

/** How a verb ends that Ctrl-C stopped, as a shell tells it of programs that a signal ended: 128 + SIGINT. */
export const INTERRUPTED = 130;

/**
 * Asks on a terminal whether to go on; elsewhere a script does what it was written for. The question goes to standard
 * error, as what the verb prints may be piped, or where that is piped to standard output.
 * @param yes The user has said so beforehand.
 */
export async function confirm(question: string, yes = false): Promise<boolean> {
  const output = [process.stderr, process.stdout].find(({ isTTY }) => isTTY);
  if (yes || !process.stdin.isTTY || !output) return true;
  const lines = createInterface({ input: process.stdin, output });
  try {
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question(words.operate.confirm(question)), closed]);
    return /^(y|yes|s|sim)$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** Says that nothing was done, since the user did not confirm it. */
export function declined(asJson = false): void {
  process.exitCode = ExitCode.failed;
  if (asJson) printJson({ ok: false, error: inEnglish(({ operate }) => operate.notConfirmed) });
  else print(words.operate.declined);
}

/** Shows the progress of some work on a terminal. */
export class Progress {
  #shownAt = -Infinity;
  #isShown = false;

  /** Shows a text on a terminal; nothing elsewhere, or if the last one was shown too recently to be read. */
  show(text: string, isUrgent = false): void {
    if (!process.stderr.isTTY || (!isUrgent && performance.now() - this.#shownAt < 100)) return;
    this.#shownAt = performance.now();
    this.#isShown = true;
    process.stderr.write(`\r\x1b[K${text}`);
  }

  /** Takes away what was shown. */
  end(): void {
    if (this.#isShown) process.stderr.write("\r\x1b[K");
  }
}

/** Work in many steps that Ctrl-C, or SIGTERM, stops between two of them; a second one ends the program at once. */
export class LongWork extends Progress {
  readonly #stop = new AbortController();
  readonly #onSignal = () => {
    if (this.wasInterrupted) process.exit(INTERRUPTED);
    this.#stop.abort();
    this.show(words.operate.stopping, true);
  };

  constructor() {
    super();
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, this.#onSignal);
  }

  /** Aborted when the user has asked to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get wasInterrupted(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Takes away what was shown, and no longer listens to Ctrl-C. */
  override end(): void {
    super.end();
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, this.#onSignal);
    if (this.wasInterrupted) process.exitCode = INTERRUPTED;
  }
}
