/** Guesses of the token: each is compared in constant time, and a client has so many wrong ones. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import type { BodyProblem } from "../http/body.ts";
import { networkOf } from "../http/network.ts";
import { Windows } from "../pipeline/window.ts";
import { refuse } from "./refuse.ts";

/** What the operator's listener knows of a request beside the request. */
export interface Bindings {
  /** Address of the other end of the connection. */
  client: string;
  /** Why its body could not be read. */
  problem?: BodyProblem;
}

/** How many wrong guesses one client has, by sign-in and by header together. */
const RATE = { perMs: 60_000, limit: 100 };

export class Guesses {
  readonly #wrong = new Windows();

  /**
   * Whether a text is the token. A client that guessed too often is answered by what this gives instead, right or not.
   */
  judge(c: Context<{ Bindings: Bindings }>, text: string, token: string): boolean | Response {
    const client = networkOf(c.env.client);
    const now = performance.now();
    const waitMs = this.#wrong.waitMs(client, now);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      c.header("Retry-After", String(seconds));
      return refuse(c, 429, `Cannot look at the token: too many wrong ones; try again in ${seconds} s`);
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
