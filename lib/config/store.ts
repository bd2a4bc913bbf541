/** What a config's `store` may be. */

import * as z from "zod/mini";
import { messageOf } from "../errors.ts";
import { isPostgresUrl, parsePostgresUrl } from "../store/postgres/url.ts";

/** Where nothing is said. */
export const DEFAULT_STORE = "sqlite:relay.db";

const FORMS = 'expected "sqlite:" and a path, such as "sqlite:relay.db", or "postgres://USER:PASSWORD@HOST/DATABASE"';

/** `sqlite:PATH`, or the URL of a PostgreSQL database. */
export const storeText = z.string().check(z.superRefine((text, context) => {
  const message = isPostgresUrl(text) ? mistakeIn(text) : /^sqlite:./.test(text) ? undefined : FORMS;
  if (message !== undefined) context.addIssue({ code: "custom", message });
}));

function mistakeIn(url: string): string | undefined {
  try {
    parsePostgresUrl(url);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** What of a store must not be printed. Of a URL that is not sound it is the whole. */
export function storeSecrets(store: unknown): readonly string[] {
  if (typeof store !== "string" || !isPostgresUrl(store)) return [];
  return mistakeIn(store) === undefined ? parsePostgresUrl(store).secrets : [store];
}
