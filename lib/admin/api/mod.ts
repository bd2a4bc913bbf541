/** The operator's API: the same as the CLI and the pages, as JSON, described by a document that is made from it. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { issuesOf } from "../../config/issues.ts";
import { messageOf, RelayError, sayIssue, StoreError } from "../../errors.ts";
import { inEnglish } from "../../locale/phrase.ts";
import { log } from "../../log.ts";
import { mapTexts } from "../../targets/message.ts";
import { VERSION } from "../../version.ts";
import type { AdminContext } from "../context.ts";
import { refuse } from "../refuse.ts";
import { ApiError } from "./api_error.ts";
import { addEvents } from "./events_api.ts";
import { addLive } from "./live_api.ts";
import { addStatus } from "./status_api.ts";
import { addTargets } from "./targets_api.ts";
import { addWork } from "./work_api.ts";

/** The API under `/api`, for a listener that has seen to who may ask. */
export function createApi(context: AdminContext): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook(result, c) {
      if (result.success) return;
      const mistakes = issuesOf(result.error as Parameters<typeof issuesOf>[0], (result as { data?: unknown }).data)
        .map((issue) => inEnglish(sayIssue(issue)));
      return refuse(c, 400, `Cannot read the request: ${mistakes.join("; ")}`, "see /api/openapi.json");
    },
  });

  // In one place, so that no answer can forget it.
  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.get("Content-Type")?.startsWith("application/json")) return;
    const text = await c.res.text();
    const { redact } = context.loaded();
    c.res = new Response(redact.finds(text) ? JSON.stringify(mapTexts(JSON.parse(text), redact)) : text, c.res);
  });

  addEvents(app, context);
  addTargets(app, context);
  addStatus(app, context);
  addWork(app, context);
  addLive(app, context);

  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "The config's `admin.token`, where it has one",
  });
  app.doc31("/api/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "relay",
      version: VERSION,
      description: "What a relay received, where it went, and how to make it go again.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }, {}],
  });

  app.notFound((c) => refuse(c, 404, "Not found", "see /api/openapi.json"));
  app.onError((error, c) => {
    if (error instanceof ApiError) return refuse(c, error.status, error.message, error.hint);
    if (error instanceof HTTPException) return refuse(c, error.status as 400, error.message);
    const { path } = c.req;
    log.error("cannot answer {path} of the API: {problem}", { path, problem: messageOf(error) });
    return refuse(
      c,
      error instanceof StoreError ? 503 : 500,
      messageOf(error),
      error instanceof RelayError ? error.hint : undefined,
    );
  });
  return app;
}
