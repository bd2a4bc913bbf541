/** What the pages' buttons do. Each sends the person on to a page that says what was done. */

import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "hono";
import { parseId } from "../../id.ts";
import { pause, resume } from "../../operator/hold.ts";
import { replayIds } from "../../operator/replay.ts";
import { retryIds } from "../../operator/retry.ts";
import type { RetryRun } from "../../operator/retry_run.ts";
import { sendTest } from "../../operator/test_message.ts";
import { lanesNamed } from "../../recipient.ts";
import { lanesOfAll } from "../../targets/target.ts";
import type { AdminContext } from "../context.ts";
import { fieldsOf } from "../form.ts";
import { eventPath } from "./parts.tsx";
import { deadFilterOf } from "./reads.ts";
import { type Notice, withNotice } from "./view.ts";

/** Does something and gives the path to go on with; `undefined` if what it is about is not there. */
export type Act = (c: Context) => Promise<string | undefined>;

/** How long a request waits for a retry of many to end, in milliseconds; after that the next page shows its progress. */
const PATIENCE_MS = 1_000;

/** Every action, by its name. */
export function createActions({ store, loaded, wake }: AdminContext, run: RetryRun) {
  /** The target of the config that the address names, as pages show it, and its lanes. */
  function targetOf(c: Context): { target: string; lanes: string[] } | undefined {
    const name = c.req.param("name") ?? "";
    const lanes = lanesNamed(name, lanesOfAll(loaded().config.targets.values()).keys());
    return lanes.length > 0 ? { target: name, lanes } : undefined;
  }

  return {
    async retry(c) {
      const id = parseId(c.req.param("id") ?? "");
      const story = id && await store.story(id);
      if (!story) return undefined;
      const { retried } = await retryIds(store, [id], store.time.now());
      wake();
      return withNotice(await backOf(c) ?? eventPath(story.id), told("retried", retried.length));
    },

    async retryDead(c) {
      const ended = run.start(deadFilterOf(await fieldsOf(c)));
      if (!ended) return withNotice("/dead", { done: "busy", count: 0 });
      await Promise.race([ended, delay(PATIENCE_MS)]);
      const { state, retried } = run.progress!;
      return state === "done" ? withNotice("/dead", told("retried", retried)) : "/dead";
    },

    async stopRetry() {
      run.stop();
      await delay(0); // most likely it has stopped by then
      return "/dead";
    },

    async replay(c) {
      const id = parseId(c.req.param("id") ?? "");
      const story = id && await store.story(id);
      if (!story) return undefined;
      const { deliveries } = await replayIds(store, loaded(), [id], { now: store.time.now() });
      wake();
      return withNotice(eventPath(story.id), told("replayed", deliveries));
    },

    async pause(c) {
      const named = targetOf(c);
      if (!named) return undefined;
      await pause(store, named.lanes);
      wake();
      return withNotice(await backOf(c) ?? "/targets", { done: "paused", count: 1 });
    },

    async resume(c) {
      const named = targetOf(c);
      if (!named) return undefined;
      await resume(store, named.lanes);
      wake();
      return withNotice(await backOf(c) ?? "/targets", { done: "resumed", count: 1 });
    },

    async test(c) {
      const named = targetOf(c);
      if (!named) return undefined;
      const { event } = await sendTest(store, named, loaded().config.sources[0]!, store.time.now());
      wake();
      return `/targets?event=${event}#test`;
    },
  } satisfies Record<string, Act>;
}

function told(done: "retried" | "replayed", count: number): Notice {
  return { done: count > 0 ? done : "nothing", count };
}

/** The page to go back to that a form names: one of our own that actions are taken from. */
async function backOf(c: Context): Promise<string | undefined> {
  const { back } = await fieldsOf(c);
  return ["/", "/dead", "/targets"].find((path) => path === back);
}
