/** What a config's `store` may be. */

import * as z from "zod/mini";
import { sayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { expected, says } from "../options.ts";
import { isPostgresUrl, parsePostgresUrl } from "../store/postgres/url.ts";

/** Where nothing is said. */
export const DEFAULT_STORE = "sqlite:relay.db";

const forms = expected((words) => words.config.expectations.store);

/** `sqlite:PATH`, or the URL of a PostgreSQL database. */
export const storeText = z.string(forms).check(z.superRefine((text, context) => {
  const mistake = isPostgresUrl(text) ? mistakeIn(text) : undefined;
  if (mistake) context.addIssue({ code: "custom", message: says(mistake) });
  else if (!isPostgresUrl(text) && !/^sqlite:./.test(text)) context.addIssue({ code: "custom", message: forms });
}));

function mistakeIn(url: string): Phrase | undefined {
  try {
    parsePostgresUrl(url);
    return undefined;
  } catch (error) {
    return sayError(error);
  }
}

/** What of a store must not be printed. Of a URL that is not sound it is the whole. */
export function storeSecrets(store: unknown): readonly string[] {
  if (typeof store !== "string" || !isPostgresUrl(store)) return [];
  return mistakeIn(store) === undefined ? parsePostgresUrl(store).secrets : [store];
}
