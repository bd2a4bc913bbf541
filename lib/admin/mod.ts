/** The operator's listener: health, readiness and metrics. */

import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { readMetrics } from "../metrics.ts";
import type { Store } from "../store/mod.ts";

/** What the operator's listener needs to know of the relay, which a reload may change. */
export interface AdminContext {
  token?: string;
  targets: ReadonlyMap<string, unknown>;
}

/**
 * Answers requests to the operator's listener.
 * @param context Asked with every request.
 */
export function createAdmin(store: Store, context: () => AdminContext): (request: Request) => Promise<Response> {
  const app = new Hono();
  app.get("/healthz", (c) => c.text("OK"));
  app.use(async (c, next) => {
    const { token } = context();
    if (token === undefined || isSame(c.req.header("Authorization") ?? "", `Bearer ${token}`)) return await next();
    return c.text("Unauthorized", 401, { "WWW-Authenticate": "Bearer" });
  });
  app.get("/readyz", async (c) => {
    await store.probe();
    return c.text("OK");
  });
  app.get("/metrics", async (c) => {
    const { type, text } = await readMetrics(store, context().targets.keys());
    return c.body(text, 200, { "Content-Type": type });
  });
  app.notFound((c) => c.text("Not found", 404));
  app.onError((error, c) => {
    log.error("cannot answer {path} of the operator's listener: {problem}", {
      path: c.req.path,
      problem: messageOf(error),
    });
    return c.text(messageOf(error), 503);
  });
  return async (request) => app.fetch(request);
}

/** Compares in a time that says nothing of where the texts differ. */
function isSame(text: string, other: string): boolean {
  const [one, two] = [text, other].map((value) => createHash("sha256").update(value).digest());
  return timingSafeEqual(one!, two!);
}
