/** The admin listener: health, readiness and metrics, the API, the pages, and who may see them. */

import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { isRefusal, messageOf } from "../errors.ts";
import type { BodyProblem } from "../http/body.ts";
import type { Handler } from "../http/incoming.ts";
import { log } from "../log.ts";
import { readMetrics } from "../metrics.ts";
import { once } from "../once.ts";
import { clientAddress } from "../pipeline/client.ts";
import type { AdminContext, Bindings } from "./context.ts";
import { contentSecurityPolicy } from "./csp.ts";
import { fieldsOf } from "./form.ts";
import { guard } from "./guard.ts";
import { Guesses } from "./guesses.ts";
import { Readiness, readyzText } from "./readyz.ts";
import { isApi, refuse } from "./refuse.ts";
import { beginSession, forgetSession, sessionOf } from "./session.ts";

/** Most bytes of a request: an event of 1 MiB, of which a form writes a byte as three, and the rest of the form. */
const MAX_BODY_BYTES = 4 * 1024 ** 2;

const headers = secureHeaders({
  overwrite: false, // a page that shows an email has a policy of its own
  xFrameOptions: "DENY",
  strictTransportSecurity: false, // whether there is TLS, a proxy in front knows
});

/** What a client is told whose body could not be read. */
const bodyStatuses = { too_large: 413, cut: 400, late: 408, encoded: 415, no_room: 503 } as const satisfies Record<
  BodyProblem,
  number
>;

/** Answers requests to the admin listener. */
export function createAdmin(context: AdminContext): Handler {
  const { store } = context;
  const guesses = new Guesses();
  const readiness = new Readiness();
  // Loaded with the first request for them: whoever never looks pays neither time at start nor memory for them.
  const pages = once(() => import("./pages/mod.ts"));
  const pagesApp = once(async () => (await pages()).createPages(context));
  const apiApp = once(async () => (await import("./api/mod.ts")).createApi(context));

  const askForToken = async (c: Context, isWrong = false) => {
    c.header("WWW-Authenticate", "Bearer");
    if (!isApi(c) && c.req.header("Accept")?.includes("text/html")) return (await pages()).signIn(c, context, isWrong);
    return refuse(
      c,
      401,
      "Unauthorized",
      isApi(c) ? "send `Authorization: Bearer` with the config's token" : undefined,
    );
  };

  const app = new Hono<{ Bindings: Bindings }>();
  app.use(headers);
  app.use(async (c, next) => {
    c.env.locale = context.loaded().config.locale;
    await next();
    const own = c.res.headers;
    if (!own.has("Cache-Control")) own.set("Cache-Control", "no-store");
    if (!own.has("Content-Security-Policy")) own.set("Content-Security-Policy", contentSecurityPolicy);
  });
  app.get("/healthz", (c) => c.text("OK"));
  app.use(guard({ ...context, guesses, askForToken }));
  app.use(async (c, next) => {
    const { problem } = c.env;
    return problem
      ? refuse(c, bodyStatuses[problem], ({ admin }) => admin.body[problem](MAX_BODY_BYTES))
      : await next();
  });
  app.get("/readyz", async (c) => {
    const failure = await context.probe().then(() => undefined, (error: unknown) => error);
    const problem = failure === undefined ? undefined : context.loaded().redact(messageOf(failure));
    readiness.tell(problem);
    if (c.req.query("verbose") === undefined) {
      return problem === undefined ? c.text("OK") : refuse(c, 503, problem);
    }
    return c.text(await readyzText(context, failure), failure === undefined ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    const { type, text } = await readMetrics(store, context.loaded().config.targets, context.shared());
    return c.body(text, 200, { "Content-Type": type });
  });
  app.get("/sign-in", (c) => c.redirect("/", 303));
  app.post("/sign-in", async (c) => {
    const token = context.token();
    if (token === undefined) return c.redirect("/", 303);
    const form = await fieldsOf(c);
    const verdict = guesses.judge(c, form.token ?? "", token);
    if (verdict instanceof Response) return verdict;
    if (!verdict) return await askForToken(c, true);
    await beginSession(c, token, Date.now());
    return c.redirect(ownPath(form.to), 303);
  });
  app.post("/sign-out", async (c) => {
    const token = context.token();
    const now = Date.now();
    const session = token === undefined ? undefined : await sessionOf(c, token, store.sessions, now);
    if (session) await store.sessions.end(session, now);
    forgetSession(c);
    return c.redirect("/", 303);
  });
  app.all("/api/*", async (c) => (await apiApp()).fetch(c.req.raw, c.env));
  app.all("*", async (c) => (await pagesApp()).fetch(c.req.raw, c.env));
  app.onError((error, c) => {
    const problem = context.loaded().redact(messageOf(error));
    if (isRefusal(error)) return refuse(c, 400, problem);
    log.error("cannot answer {path} of the admin listener: {problem}", { path: c.req.path, problem });
    return refuse(c, 503, problem);
  });
  // Without a public address no proxy stands in front, and whoever connects could say anything of who they are.
  const proxies = () => context.publicUrl === undefined ? 0 : context.loaded().config.trustedProxies;
  return async (incoming) => {
    const client = clientAddress(incoming.client, incoming.header("X-Forwarded-For"), proxies());
    const body = await incoming.body(MAX_BODY_BYTES);
    const request = incoming.request();
    if (typeof body === "string") return await app.fetch(request, { client, problem: body });
    const isRead = incoming.method === "GET" || incoming.method === "HEAD";
    return await app.fetch(isRead ? request : new Request(request, { body: body as BodyInit }), { client });
  };
}

/** The path that a form names to go on with after signing in, if it is one of ours. */
function ownPath(to: unknown): string {
  const base = "http://relay.invalid";
  if (typeof to !== "string" || !to.startsWith("/") || !URL.canParse(to, base)) return "/";
  const { origin, pathname, search } = new URL(to, base);
  return origin === base && !pathname.startsWith("//") ? pathname + search : "/";
}
