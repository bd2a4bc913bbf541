/** What happens, while it happens: server-sent events for those who are connected. */

import { setTimeout as delay } from "node:timers/promises";
import { createRoute, z } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import { mapTexts } from "../../targets/message.ts";
import type { AdminContext, Bindings } from "../context.ts";
import { type Api, ApiError, problems } from "./api_error.ts";
import { type Message, Watcher } from "./watcher.ts";

/** Most connections at the same time. */
const MAX_STREAMS = 20;

/** Pause between signs of life, in milliseconds; the listener gives up a connection that is silent for 45 s. */
const HEARTBEAT_MS = 15_000;

/** Pause between two looks at whether the client may still see what it is told, in milliseconds. */
const LOOK_MS = 1_000;

/** Messages that may wait for a client that does not read; beyond it, it is let go, and connects anew. */
const MAX_WAITING = 1_000;

const liveRoute = createRoute({
  method: "get",
  path: "/api/live",
  summary: "Tell what happens, while it happens",
  description:
    "Server-sent events. `event`: an event came in, as in the list. `target`: something changed at a target, as " +
    "in the list of targets. `trouble`: requests were refused, or a reload, an alarm began or ended, or one of several " +
    "relays came, went, was heard of, or took a target over, as in the status. Of a burst the newest are told; `GET /api/events` has them all.",
  tags: ["Status"],
  responses: {
    200: { description: "The stream", content: { "text/event-stream": { schema: z.string() } } },
    ...problems(),
  },
});

export function addLive(app: Api, context: AdminContext): void {
  const watcher = new Watcher(context);

  app.openapi(liveRoute, (c) => {
    if (watcher.size >= MAX_STREAMS) throw new ApiError(503, `Cannot open another stream: ${MAX_STREAMS} are open`);
    if (c.req.method === "HEAD") return c.body(null, 200, { "Content-Type": "text/event-stream" });
    return streamSSE(c, async (stream) => {
      const waiting: Message[] = [];
      let isOver = context.stopping.aborted;
      let wakeUp = new AbortController();
      const end = () => {
        isOver = true;
        wakeUp.abort();
      };
      stream.onAbort(end);
      context.stopping.addEventListener("abort", end);
      const leave = await watcher.join((messages) => {
        waiting.push(...messages);
        wakeUp.abort();
      });
      // A look that fails ends it as well: the client comes back, and is told what is wrong.
      const { isStillIn = async () => true } = c.env as Bindings;
      const looks = setInterval(() => isStillIn().then((isIn) => isIn || end(), end), LOOK_MS);
      try {
        await stream.writeSSE({ event: "open", data: "" });
        while (!isOver && waiting.length <= MAX_WAITING) {
          const { redact } = context.loaded();
          for (const { event, data } of waiting.splice(0)) {
            if (isOver) break;
            await stream.writeSSE({ event, data: JSON.stringify(mapTexts(data, redact)) });
          }
          await delay(HEARTBEAT_MS, undefined, { signal: wakeUp.signal })
            .then(() => stream.write(": still here\n\n"), () => wakeUp = new AbortController());
        }
      } finally {
        leave();
        clearInterval(looks);
        context.stopping.removeEventListener("abort", end);
      }
    });
  });
}
