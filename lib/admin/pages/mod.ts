/** The operator's pages. */

import { type Context, Hono } from "hono";
import { html } from "hono/html";
import type { AdminContext } from "../context.ts";

/** The pages, for a listener that has seen to who may ask. */
export function createPages(_context: AdminContext): Hono {
  const app = new Hono();
  app.notFound((c) => c.text("Not found", 404));
  return app;
}

/** Answers with the page that asks for the token. @param isWrong The token that was given just now is not the one. */
export function signIn(c: Context, _context: AdminContext, isWrong: boolean): Response | Promise<Response> {
  return c.html(
    html`
      <!doctype html>
      <html lang="en">
        <title>Sign in</title>
        <form method="post" action="/sign-in">
      ${isWrong ? html`<p role="alert">This is not the token.</p>` : ""}
      <label>Token <input name="token" type="password" autocomplete="current-password" required></label>
      <button>Sign in</button>
        </form>
      </html>
    `,
    401,
  );
}
