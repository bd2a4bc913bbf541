/** Who may ask the admin listener for what. */

import { isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";
import type { AdminContext, Bindings } from "./context.ts";
import type { Guesses } from "./guesses.ts";
import { refuse } from "./refuse.ts";
import { isOpen, sessionOf } from "./session.ts";

/** What a guard needs to know. */
export interface GuardOptions extends Pick<AdminContext, "token" | "host" | "publicUrl" | "store"> {
  guesses: Guesses;
  /** Answers who shows neither token nor session. */
  askForToken: (c: Context) => Response | Promise<Response>;
}

/**
 * Lets through who shows the token, or a session, in a request that no other site can have caused: its `Host` is a name
 * of the listener (DNS rebinding), and where a browser sent it, it says that the listener's own page made it.
 * The token itself is let through under any name, as a monitor may use one; wrong ones are counted apart there.
 * The request to sign in and the pages' assets need no token.
 * @see https://web.dev/articles/fetch-metadata
 */
export function guard(options: GuardOptions): MiddlewareHandler<{ Bindings: Bindings }> {
  const { sessions } = options.store;
  const hosts = [options.host, ...(options.publicUrl ? [new URL(options.publicUrl).hostname] : [])];
  return async (c, next) => {
    const host = c.req.header("Host") ?? "";
    const isSystem = isOwnHost(host, hosts);
    const isOther = isForeign(c, host, options.publicUrl);

    const token = options.token();
    c.env.isStillIn = async () => options.token() === token;
    const shown = bearerOf(c.req.header("Authorization"));
    if (token !== undefined && shown !== undefined) {
      const verdict = options.guesses.judge(c, shown, token, !isSystem || isOther);
      if (verdict instanceof Response) return verdict;
      if (verdict) return await next();
    }

    if (!isSystem) {
      return refuse(
        c,
        403,
        ({ admin }) => admin.otherHost(host),
        ({ admin }) => admin.otherHostHint,
      );
    }
    if (isOther) {
      return refuse(c, 403, ({ admin }) => admin.otherSite, ({ admin }) => admin.otherSiteHint);
    }
    if (isForAll(c)) return await next();
    if (token === undefined) return await next();
    const session = await sessionOf(c, token, sessions, Date.now());
    if (!session) return await options.askForToken(c);
    c.env.isStillIn = async () => options.token() === token && await isOpen(session, sessions, Date.now());
    if (!isRead(c) && !isFromBrowser(c)) {
      return refuse(c, 403, ({ admin }) => admin.unknownPage, ({ admin }) => admin.unknownPageHint);
    }
    await next();
  };
}

/** The token of an `Authorization` header (RFC 6750), if it has one; the scheme's name has no case. */
function bearerOf(header = ""): string | undefined {
  return /^bearer (.*)$/i.exec(header)?.[1];
}

/** Asked for before anybody is known: what signs in, and what makes that page look as it should. */
function isForAll(c: Context): boolean {
  return c.req.path === "/sign-in" || (isRead(c) && c.req.path.startsWith("/assets/"));
}

function isRead(c: Context): boolean {
  return c.req.method === "GET" || c.req.method === "HEAD";
}

/** Whether a `Host` header gives a name that nobody else can let point to this machine, or one that the config gives. */
function isOwnHost(host: string, names: readonly string[]): boolean {
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
  if (!url || host.includes("@")) return false;
  const { hostname } = url;
  return isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0 || hostname === "localhost" ||
    names.some((name) => name.toLowerCase() === hostname);
}

/** Every browser sends one of these with a request that changes something. */
function isFromBrowser(c: Context): boolean {
  return c.req.header("Sec-Fetch-Site") !== undefined || c.req.header("Origin") !== undefined;
}

/** Whether a browser sent this for another site's page. A link to one of ours may stand anywhere. */
function isForeign(c: Context, host: string, publicUrl?: string): boolean {
  const site = c.req.header("Sec-Fetch-Site");
  const origin = c.req.header("Origin");
  if (site !== undefined) {
    const isLink = site === "none" || c.req.header("Sec-Fetch-Mode") === "navigate";
    return site !== "same-origin" && !(isRead(c) && isLink);
  }
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true; // "null": a page that has no origin to name
  const url = new URL(origin);
  return url.host !== host.toLowerCase() && (publicUrl === undefined || url.origin !== new URL(publicUrl).origin);
}
