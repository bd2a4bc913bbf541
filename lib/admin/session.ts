/** Sessions of the operator's pages: a cookie says until when its browser need not show the token again. */

import { createHmac, randomUUID } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { latestBy } from "../clock.ts";
import type { Session, SessionStore } from "../store/sessions.ts";

// The cookie carries the session, signed with a key of the token, and is worth nothing under another token. The store
// keeps those alone that were signed out: their cookies are worth nothing either, in whatever browser.

const NAME = "relay_session";

/** A week, in milliseconds. */
const AGE_MS = 7 * 86_400_000;

/** The session of the request's cookie, if this token opened it and it has not ended. */
export async function sessionOf(
  c: Context,
  token: string,
  sessions: SessionStore,
  now: number,
): Promise<Session | undefined> {
  const cookie = await getSignedCookie(c, keyOf(token), NAME);
  if (typeof cookie !== "string") return undefined;
  const [end, id = ""] = cookie.split(" ");
  const session = { id, until: Number(end) };
  return await isOpen(session, sessions, now) ? session : undefined;
}

/** Whether a session has not ended. */
export async function isOpen({ id, until }: Session, sessions: SessionStore, now: number): Promise<boolean> {
  // One that lasts longer than any was opened by a clock that was set back since.
  return until > now && until <= latestBy(now) + AGE_MS && id !== "" && !await sessions.isEnded(id);
}

/** Opens a session for this browser. */
export async function beginSession(c: Context, token: string, now: number): Promise<void> {
  await setSignedCookie(c, NAME, `${now + AGE_MS} ${randomUUID()}`, keyOf(token), {
    path: "/",
    maxAge: AGE_MS / 1000,
    httpOnly: true,
    sameSite: "Strict",
    secure: c.req.header("Origin")?.startsWith("https:"), // behind a proxy that speaks TLS
  });
}

/** Has this browser forget its session, which is ended already. */
export function forgetSession(c: Context): void {
  deleteCookie(c, NAME, { path: "/" });
}

function keyOf(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", token).update("relay session").digest());
}
