/** The payload of an event as it was received, as a document of its own. */

import { Buffer } from "node:buffer";
import type { Context } from "hono";
import { parseId } from "../../id.ts";
import type { AdminContext } from "../context.ts";

/** The bytes received, as text, with secrets masked; `undefined` if there is no such event. */
export async function payloadOf(c: Context, { store, loaded }: AdminContext): Promise<Response | undefined> {
  const id = parseId(c.req.param("id") ?? "");
  const story = id && await store.story(id);
  if (!story) return undefined;
  const text = Buffer.from(story.body).toString();
  const { redact } = loaded();
  const body = redact.finds(text) ? redact(text) : story.body as BodyInit;
  return new Response(body, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
