/** How the admin listener says no. */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { visible } from "../log.ts";

/** Answers with a sentence and a hint: as JSON under `/api`, in plain text elsewhere. */
export function refuse(c: Context, status: ContentfulStatusCode, error: string, hint?: string): Response {
  if (isApi(c)) return c.json({ error, hint }, status);
  return c.text(visible(error) + (hint ? `\nhint: ${hint}` : ""), status);
}

/** Whether a program asks, which reads JSON. */
export function isApi(c: Context): boolean {
  return c.req.path === "/api" || c.req.path.startsWith("/api/");
}
