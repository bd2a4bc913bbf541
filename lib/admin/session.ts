/** Sessions of the operator's pages: a cookie says until when its browser need not show the token again. */

import { createHmac } from "node:crypto";
import type { Context } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";

const NAME = "relay_session";

/** A week, in milliseconds. */
const AGE_MS = 7 * 86_400_000;

/** Sessions that a token opens. Nothing is kept of them: the cookie carries its end, signed with a key of the token. */
export class Sessions {
  readonly #key: Uint8Array<ArrayBuffer>;

  constructor(token: string) {
    this.#key = new Uint8Array(createHmac("sha256", token).update("relay session").digest());
  }

  /** Whether the request's cookie is one of ours that has not ended. */
  async isGood(c: Context, now: number): Promise<boolean> {
    const until = await getSignedCookie(c, this.#key, NAME);
    return typeof until === "string" && Number(until) > now;
  }

  /** Opens a session for this browser. */
  async begin(c: Context, now: number): Promise<void> {
    await setSignedCookie(c, NAME, String(now + AGE_MS), this.#key, {
      path: "/",
      maxAge: AGE_MS / 1000,
      httpOnly: true,
      sameSite: "Strict",
      secure: c.req.header("Origin")?.startsWith("https:"), // behind a proxy that speaks TLS
    });
  }

  /** Has this browser forget its session. */
  end(c: Context): void {
    deleteCookie(c, NAME, { path: "/" });
  }
}
