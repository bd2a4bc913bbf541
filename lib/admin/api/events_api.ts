/** Reading events and deliveries. */

import { createRoute } from "@hono/zod-openapi";
import { Buffer, isUtf8 } from "node:buffer";
import { parseId } from "../../id.ts";
import { exactJson, shownNote } from "../../operator/payload.ts";
import { type Story, tellStory } from "../../operator/story.ts";
import { isNamed } from "../../recipient.ts";
import type { AdminContext } from "../context.ts";
import { endOf } from "../end.ts";
import { type Api, ApiError, ok, problems } from "./api_error.ts";
import { deliveriesQuery, eventParams, eventsQuery } from "./requests.ts";
import { deliveryPage, eventPage, eventStory } from "./schemas.ts";
import { shownRouting } from "./shown_routing.ts";

const listRoute = createRoute({
  method: "get",
  path: "/api/events",
  summary: "List events, the newest first",
  tags: ["Events"],
  request: { query: eventsQuery },
  responses: { 200: ok(eventPage, "A page of events"), ...problems(400) },
});

const storyRoute = createRoute({
  method: "get",
  path: "/api/events/{id}",
  summary: "Tell the whole story of an event",
  tags: ["Events"],
  request: { params: eventParams },
  responses: { 200: ok(eventStory, "Everything that is known of it"), ...problems(404) },
});

const deliveriesRoute = createRoute({
  method: "get",
  path: "/api/deliveries",
  summary: "List deliveries, those of the newest events first",
  tags: ["Events"],
  request: { query: deliveriesQuery },
  responses: { 200: ok(deliveryPage, "The deliveries of a page of events"), ...problems(400) },
});

export function addEvents(app: Api, { store, loaded, stopping }: AdminContext): void {
  app.openapi(listRoute, async (c) => {
    const { limit, cursor: before, ...filter } = c.req.valid("query");
    const { events, next } = await store.events(filter, { limit, before, signal: endOf(c, stopping) });
    return c.json({ events, next: cursorOf(next) }, 200);
  });

  app.openapi(storyRoute, async (c) => {
    const { id: text } = c.req.valid("param");
    const id = parseId(text);
    const story = id && await tellStory(store, loaded(), id, store.time.now());
    if (!story) throw new ApiError(404, `Cannot tell of "${text}": no event and no delivery has this id`);
    return c.json(shown(story), 200);
  });

  app.openapi(deliveriesRoute, async (c) => {
    const { limit, cursor: before, ...filter } = c.req.valid("query");
    const { events, next } = await store.events(filter, { limit, before, signal: endOf(c, stopping) });
    const deliveries = events.flatMap(({ id, type, receivedAt, noteId, deliveries }) =>
      deliveries.filter(({ state, target }) =>
        state === (filter.state ?? state) && isNamed(target, filter.target ?? target)
      ).map((delivery) => ({ ...delivery, event: { id, type, receivedAt, noteId } }))
    );
    return c.json({ deliveries, next: cursorOf(next) }, 200);
  });
}

function cursorOf(next: number | undefined): string | null {
  return next === undefined ? null : String(next);
}

function shown({ seq: _, body, details, deliveries, ...story }: Story) {
  const bytes = Buffer.from(body);
  const isText = isUtf8(bytes);
  return {
    ...story,
    body: { encoding: isText ? "utf8" as const : "base64" as const, text: bytes.toString(isText ? "utf8" : "base64") },
    payload: exactJson(body) ?? null,
    note: shownNote(details),
    routing: shownRouting(story.routing),
    deliveries: deliveries.map(({ ref: _, ...delivery }) => delivery),
  };
}
