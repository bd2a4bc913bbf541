/** How the relay is: what waits, what is dead, what happened of late. */

import { createRoute } from "@hono/zod-openapi";
import { type ActivitySummary, summarize } from "../../operator/activity.ts";
import { runView } from "../../operator/run.ts";
import { VERSION } from "../../version.ts";
import type { AdminContext } from "../context.ts";
import { targetsNow, troubleNow } from "../now.ts";
import { type Api, ok, problems } from "./api_error.ts";
import { activityQuery, deadQuery } from "./requests.ts";
import { activity, deadGroups, status } from "./schemas.ts";

const HOUR_MS = 3_600_000;

const statusRoute = createRoute({
  method: "get",
  path: "/api/status",
  summary: "Say what waits, and how each target is",
  tags: ["Status"],
  responses: { 200: ok(status, "As `relay status --json`"), ...problems() },
});

const deadRoute = createRoute({
  method: "get",
  path: "/api/dead",
  summary: "Count dead letters by target and reason",
  tags: ["Status"],
  request: { query: deadQuery },
  responses: { 200: ok(deadGroups, "The groups"), ...problems(400) },
});

const activityRoute = createRoute({
  method: "get",
  path: "/api/activity",
  summary: "Say what happened in the last hours",
  tags: ["Status"],
  request: { query: activityQuery },
  responses: { 200: ok(activity, "By the hour, and by target"), ...problems(400) },
});

export function addStatus(app: Api, context: AdminContext): void {
  const { store } = context;

  app.openapi(statusRoute, async (c) => {
    const targets = await targetsNow(context);
    const backlog = targets.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
    const dead = targets.reduce((sum, one) => sum + one.dead, 0);
    const run = { ...runView(context.reporter.run, true), version: VERSION };
    const bytes = await store.bytes();
    const { relays, ...trouble } = await troubleNow(context);
    return c.json({ ...run, ...trouble, bytes, backlog, dead, targets, ...relays }, 200);
  });

  app.openapi(deadRoute, async (c) => {
    const groups = await store.deadGroups(c.req.valid("query"));
    return c.json({ count: groups.reduce((sum, { count }) => sum + count, 0), groups }, 200);
  });

  app.openapi(activityRoute, async (c) => {
    const now = store.time.now();
    const since = now - c.req.valid("query").hours * HOUR_MS;
    return c.json(shown(summarize(await store.activity(since), since, now), since), 200);
  });
}

function shown({ hours, targets, ...totals }: ActivitySummary, since: number) {
  return {
    since: new Date(since).toISOString(),
    ...totals,
    hours: hours.map(({ at, targets, ...counts }) => ({
      at: new Date(at).toISOString(),
      ...counts,
      targets: Object.fromEntries(targets),
    })),
    targets: [...targets].map(([name, { successRate = null, p50Ms = null, p99Ms = null, ...counts }]) => ({
      name,
      ...counts,
      successRate,
      p50Ms,
      p99Ms,
    })),
  };
}
