/** How the admin listener says no. */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { locales } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { visible } from "../log.ts";
import { localeOf } from "./pages/language.ts";

/** A text that is told in English alone, or in any language. */
type Text = string | Phrase;

/** Answers with a sentence and a hint: as JSON in English under `/api`, elsewhere in plain text in the browser's language. */
export function refuse(c: Context, status: ContentfulStatusCode, error: Text, hint?: Text): Response {
  const words = isApi(c) ? locales.en : locales[localeOf(c, c.env.locale)];
  const [problem, advice] = [error, hint].map((text) => typeof text === "function" ? text(words) : text);
  if (isApi(c)) return c.json({ error: problem, hint: advice }, status);
  return c.text(visible(problem!) + (advice ? `\n${words.cli.hint}: ${advice}` : ""), status);
}

/** Whether a program asks, which reads JSON. */
export function isApi(c: Context): boolean {
  return c.req.path === "/api" || c.req.path.startsWith("/api/");
}
