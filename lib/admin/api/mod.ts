/** The operator's API. */

import { Hono } from "hono";
import type { AdminContext } from "../context.ts";

/** The API under `/api`, for a listener that has seen to who may ask. */
export function createApi(_context: AdminContext): Hono {
  const app = new Hono();
  app.notFound((c) => c.json({ error: "Not found" }, 404));
  return app;
}
