/** Sessions of the pages, by the clock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { beginSession, sessionOf } from "../../lib/admin/session.ts";

const T0 = 1_800_000_000_000;
const HOUR = 3_600_000;
const WEEK = 7 * 24 * HOUR;

test("sessionOf() takes a session for a week, and none that a clock opened which was set back since", async () => {
  let now = T0;
  const app = new Hono();
  app.get("/begin", async (c) => {
    await beginSession(c, "token", now);
    return c.body(null);
  });
  const sessions = { isEnded: () => Promise.resolve(false), end: () => Promise.resolve() };
  app.get("/is", async (c) => c.text(String(await sessionOf(c, "token", sessions, now) !== undefined)));
  const cookie = (await app.request("/begin")).headers.get("Set-Cookie")!.split(";")[0]!;
  const rows: [ms: number, isOpen: boolean][] = [
    [0, true],
    [WEEK - 1, true],
    [WEEK, false],
    [-500, true],
    [-10 * HOUR, false],
    [-20 * 365 * 24 * HOUR, false],
  ];
  for (const [ms, isOpen] of rows) {
    now = T0 + ms;
    assert.equal(await (await app.request("/is", { headers: { Cookie: cookie } })).text(), String(isOpen), `${ms}`);
  }
});
