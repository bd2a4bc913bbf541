/** Making it go again: retry, replay, and a look at where an event would go. */

import { inEnglish } from "../../locale/phrase.ts";
import { createRoute } from "@hono/zod-openapi";
import { type IdBytes, parseId } from "../../id.ts";
import { sayUnknown } from "../../nearest.ts";
import { incoming, preview } from "../../operator/preview.ts";
import { routingOf } from "../../operator/story.ts";
import { replayIds, replaySince } from "../../operator/replay.ts";
import { retryDead, retryIds } from "../../operator/retry.ts";
import { routedOf } from "../../pipeline/route.ts";
import type { AdminContext } from "../context.ts";
import { type Api, ApiError, ok, problems } from "./api_error.ts";
import { payload, replayBody, retryBody, routeQuery } from "./requests.ts";
import { preview as previewSchema, replayed, retried } from "./schemas.ts";
import { shownRouting } from "./shown_routing.ts";

/** Longest work for one request, in milliseconds: a connection on which nothing comes is given up after 45 s. */
const MAX_WORK_MS = 20_000;

const bodyOf = <Schema>(schema: Schema) => ({ body: { required: true, content: { "application/json": { schema } } } });

const retryRoute = createRoute({
  method: "post",
  path: "/api/retry",
  summary: "Give dead or waiting deliveries a new set of attempts, now",
  tags: ["Again"],
  request: bodyOf(retryBody),
  responses: { 200: ok(retried, "What is retried"), ...problems(400, 413, 415) },
});

const replayRoute = createRoute({
  method: "post",
  path: "/api/replay",
  summary: "Route stored events again with the current config, as new deliveries",
  tags: ["Again"],
  request: bodyOf(replayBody),
  responses: { 200: ok(replayed, "What is replayed"), ...problems(400, 404, 413, 415) },
});

const previewRoute = createRoute({
  method: "post",
  path: "/api/route",
  summary: "Show where an event would go, and what each target would be sent",
  tags: ["Config"],
  request: { query: routeQuery, ...bodyOf(payload) },
  responses: { 200: ok(previewSchema, "Nothing is stored or sent"), ...problems(400, 404, 413, 415) },
});

export function addWork(app: Api, { store, loaded, wake, stopping }: AdminContext): void {
  /** Aborted when work that begins now must end. */
  const endOfWork = () => AbortSignal.any([stopping, AbortSignal.timeout(MAX_WORK_MS)]);

  app.openapi(retryRoute, async (c) => {
    const body = c.req.valid("json");
    const now = store.time.now();
    const signal = endOfWork();
    try {
      if ("ids" in body) {
        const { retried: deliveries, untouched, unknown } = await retryIds(store, idsOf(body.ids), now);
        return c.json({ retried: deliveries.length, deliveries, untouched, unknown, interrupted: false }, 200);
      }
      const { dead: _, ...filter } = body;
      const { retried, isComplete } = await retryDead(store, filter, now, { signal, onProgress: wake });
      return c.json({ retried, deliveries: [], untouched: [], unknown: [], interrupted: !isComplete }, 200);
    } finally {
      wake();
    }
  });

  app.openapi(replayRoute, async (c) => {
    const { to, ...body } = c.req.valid("json");
    const names = [...loaded().config.targets.keys()];
    if (to !== undefined && !names.includes(to)) {
      throw new ApiError(404, `Cannot replay: ${inEnglish(sayUnknown("target", to, names))}`);
    }
    const now = store.time.now();
    const signal = endOfWork();
    try {
      const { isComplete, lastAt, ...result } = "ids" in body
        ? await replayIds(store, loaded(), idsOf(body.ids), { to, now })
        : await replaySince(store, loaded(), body, { to, now, signal, onProgress: wake });
      const lastReceivedAt = lastAt === undefined ? null : new Date(lastAt).toISOString();
      return c.json({ ...result, interrupted: !isComplete, lastReceivedAt }, 200);
    } finally {
      wake();
    }
  });

  app.openapi(previewRoute, async (c) => {
    const { sources } = loaded().config;
    const { source: name = sources[0]!.name } = c.req.valid("query");
    const source = sources.find((one) => one.name === name);
    if (!source) {
      throw new ApiError(404, `Cannot route: ${inEnglish(sayUnknown("source", name, sources.map((one) => one.name)))}`);
    }
    const event = incoming(source, "", Date.now(), new Uint8Array(await c.req.arrayBuffer()));
    if ("problem" in event) throw new ApiError(400, `Cannot read the event: ${event.problem}`);
    const { messages } = preview(event, loaded().config);
    const routing = shownRouting(routingOf(routedOf(event), loaded()));
    return c.json({ event: event.type, ...routing, messages }, 200);
  });
}

function idsOf(texts: readonly string[]): IdBytes[] {
  return texts.map((text) => parseId(text)!);
}
