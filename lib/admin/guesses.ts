/** Guesses of the token: each is compared in constant time, and a client may make only so many wrong ones. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { networkOf } from "../http/network.ts";
import { Windows } from "../window.ts";
import type { Bindings } from "./context.ts";
import { refuse } from "./refuse.ts";

/** How many wrong guesses one client has, by sign-in and by header together. */
const RATE = { perMs: 60_000, limit: 100 };

export class Guesses {
  readonly #wrong = new Windows();

  /**
   * Whether a text is the token. A client that guessed too often is answered by what this gives instead, right or not.
   * @param isStrange The request is for a name that is not the listener's, or of another site. Such guesses count by
   * themselves: a page that has a name point to this machine uses up none of those that its user has.
   */
  judge(c: Context<{ Bindings: Bindings }>, text: string, token: string, isStrange = false): boolean | Response {
    const client = `${networkOf(c.env.client)}${isStrange ? " strange" : ""}`;
    const now = performance.now();
    const waitMs = this.#wrong.waitMs(client, now);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      c.header("Retry-After", String(seconds));
      return refuse(c, 429, ({ admin }) => admin.wrongTokens(seconds));
    }
    const isRight = isSame(text, token);
    if (!isRight) this.#wrong.enter(client, RATE, now);
    return isRight;
  }
}

/** Compares in a time that says nothing of where the texts differ. */
function isSame(text: string, other: string): boolean {
  const [one, two] = [text, other].map((value) => createHash("sha256").update(value).digest());
  return timingSafeEqual(one!, two!);
}
