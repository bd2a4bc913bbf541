/** The operator's pages: which address shows or does what. */

import { type Context, Hono } from "hono";
import { isRefusal, messageOf, sayError } from "../../errors.ts";
import { log } from "../../log.ts";
import { RetryRun } from "../../operator/retry_run.ts";
import type { AdminContext } from "../context.ts";
import { type Act, createActions } from "./actions.ts";
import { assetAt } from "./assets.ts";
import { payloadOf } from "./payload.ts";
import { fieldsOf } from "../form.ts";
import { chooseLocale } from "./language.ts";
import { show } from "./layout.tsx";
import { failedPage, notFoundPage, refusedPage } from "./plain_pages.tsx";
import { createReads, type Read } from "./reads.ts";
import { signInPage } from "./sign_in_page.tsx";
import { viewOf } from "./view.ts";

/** A year, in seconds: an asset's name changes when the asset does. */
const ASSET_AGE_S = 31_536_000;

/** The pages, for a listener that has seen to who may ask. */
export function createPages(context: AdminContext): Hono {
  const app = new Hono();
  const view = (c: Context) => viewOf(c, context.loaded(), context.store.time.now(), context.token() !== undefined);
  const missing = (c: Context) => show(c, view(c), notFoundPage(view(c)), 404);
  const page = (read: Read) => async (c: Context) => {
    const own = view(c);
    const found = await read(c, own);
    if (typeof found === "string") return c.redirect(found, 303);
    return found ? show(c, own, found) : missing(c);
  };
  const action = (act: Act) => async (c: Context) => {
    const next = await act(c);
    return next === undefined ? missing(c) : c.redirect(next, 303);
  };

  app.get("/assets/:name", (c) => {
    const asset = assetAt(c.req.path);
    if (!asset) return missing(c);
    return c.body(asset.text, 200, {
      "Content-Type": asset.type,
      "Cache-Control": `public, max-age=${ASSET_AGE_S}, immutable`,
    });
  });

  app.use(async (c, next) => {
    const address = chooseLocale(c);
    return address === undefined ? await next() : c.redirect(address, 303);
  });

  const run = new RetryRun(context.store, context.wake, context.stopping);
  const reads = createReads(context, run);
  app.get("/", page(reads.overview));
  app.get("/events", page(reads.events));
  app.get("/events/:id", page(reads.event));
  app.get("/events/:id/payload", async (c) => await payloadOf(c, context) ?? missing(c));
  app.get("/events/:id/replay", page(reads.confirmReplay));
  app.get("/dead", page(reads.dead));
  app.get("/dead/retry", page(reads.confirmDead));
  app.get("/deliveries/:id/retry", page(reads.confirmRetry));
  app.get("/targets", page(reads.targets));
  app.get("/config", page(reads.config));
  app.post("/config", page(reads.preview));

  const actions = createActions(context, run);
  app.post("/deliveries/:id/retry", action(actions.retry));
  app.post("/dead/retry", action(actions.retryDead));
  app.post("/dead/retry/stop", action(actions.stopRetry));
  app.post("/events/:id/replay", action(actions.replay));
  app.post("/targets/:name/pause", action(actions.pause));
  app.post("/targets/:name/resume", action(actions.resume));
  app.post("/targets/:name/test", action(actions.test));

  app.notFound(missing);
  app.onError((error, c) => {
    if (isRefusal(error)) {
      return show(c, view(c), refusedPage(view(c), view(c).say(sayError(error))), 400);
    }
    const { path } = c.req;
    log.error("cannot show the page {path}: {problem}", { path, problem: messageOf(error) });
    return show(c, view(c), failedPage(view(c), view(c).say(sayError(error))), 503);
  });
  return app;
}

/** Answers with the page that asks for the token. @param isWrong The token that was given just now is not the one. */
export async function signIn(c: Context, context: AdminContext, isWrong: boolean): Promise<Response> {
  const address = chooseLocale(c);
  if (address !== undefined) return c.redirect(address, 303);
  const view = viewOf(c, context.loaded(), context.store.time.now(), false);
  const { pathname, search } = new URL(c.req.url);
  const to = c.req.method === "GET" ? pathname + search : (await fieldsOf(c)).to;
  return show(c, view, signInPage(view, isWrong, to), 401);
}
