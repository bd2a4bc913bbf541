/** Sessions of the operator's pages: a cookie says until when its browser need not show the token again. */

import { createHmac } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { latestBy } from "../clock.ts";

// Nothing is kept of a session: the cookie carries its end, signed with a key of the token, and is worth nothing under
// another token.

const NAME = "relay_session";

/** A week, in milliseconds. */
const AGE_MS = 7 * 86_400_000;

/** Whether the request's cookie is of a session that this token opened, and has not ended. */
export async function isSession(c: Context, token: string, now: number): Promise<boolean> {
  const until = await getSignedCookie(c, keyOf(token), NAME);
  // One that lasts longer than any was opened by a clock that was set back since.
  return typeof until === "string" && Number(until) > now && Number(until) <= latestBy(now) + AGE_MS;
}

/** Opens a session for this browser. */
export async function beginSession(c: Context, token: string, now: number): Promise<void> {
  await setSignedCookie(c, NAME, String(now + AGE_MS), keyOf(token), {
    path: "/",
    maxAge: AGE_MS / 1000,
    httpOnly: true,
    sameSite: "Strict",
    secure: c.req.header("Origin")?.startsWith("https:"), // behind a proxy that speaks TLS
  });
}

/** Has this browser forget its session. */
export function endSession(c: Context): void {
  deleteCookie(c, NAME, { path: "/" });
}

function keyOf(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", token).update("relay session").digest());
}
