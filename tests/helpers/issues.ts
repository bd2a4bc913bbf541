/** Mistakes in a config as tests compare them. */

import type { ConfigIssue } from "../../lib/errors.ts";
import { inEnglish } from "../../lib/locale/phrase.ts";

/** A mistake in English behind its path, which may be empty. */
export function problemOf({ path, message }: ConfigIssue): string {
  return `${path}: ${inEnglish(message)}`;
}
