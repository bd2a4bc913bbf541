/** The operator's listener: health, readiness and metrics. */

import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { readMetrics } from "../metrics.ts";
import type { Store } from "../store/mod.ts";
import type { Target } from "../targets/target.ts";

/**
 * Answers requests to the operator's listener.
 * @param token What everything but `/healthz` asks for. It belongs to the listener: a reload changes neither.
 * @param targets The config's targets; asked with every request, since a reload may change them.
 */
export function createAdmin(
  store: Store,
  token: string | undefined,
  targets: () => ReadonlyMap<string, Target>,
): (request: Request) => Promise<Response> {
  const app = new Hono();
  app.get("/healthz", (c) => c.text("OK"));
  app.use(async (c, next) => {
    if (token === undefined || isSame(bearerOf(c.req.header("Authorization")), token)) return await next();
    return c.text("Unauthorized", 401, { "WWW-Authenticate": "Bearer" });
  });
  app.get("/readyz", async (c) => {
    await store.probe();
    return c.text("OK");
  });
  app.get("/metrics", async (c) => {
    const { type, text } = await readMetrics(store, targets());
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

/** The token of an `Authorization` header (RFC 6750); the scheme's name has no case. */
function bearerOf(header = ""): string {
  return /^bearer (.*)$/i.exec(header)?.[1] ?? "";
}

/** Compares in a time that says nothing of where the texts differ. */
function isSame(text: string, other: string): boolean {
  const [one, two] = [text, other].map((value) => createHash("sha256").update(value).digest());
  return timingSafeEqual(one!, two!);
}
