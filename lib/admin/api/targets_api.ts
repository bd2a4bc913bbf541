/** Targets: how they are, holding them, letting them go, sending them a test message. */

import { inEnglish } from "../../locale/phrase.ts";
import { createRoute } from "@hono/zod-openapi";
import { sayUnknown } from "../../nearest.ts";
import { lanesFor, pause, resume } from "../../operator/hold.ts";
import { sendTest } from "../../operator/test_message.ts";
import { lanesNamed } from "../../recipient.ts";
import { lanesOfAll } from "../../targets/target.ts";
import type { AdminContext } from "../context.ts";
import { type Api, ApiError, ok, problems } from "./api_error.ts";
import { targetParams } from "./requests.ts";
import { held, targets, tested } from "./schemas.ts";
import { targetsNow } from "../now.ts";

const listRoute = createRoute({
  method: "get",
  path: "/api/targets",
  summary: "List targets",
  tags: ["Targets"],
  responses: { 200: ok(targets, "The config's in their order, then those that deliveries wait for"), ...problems() },
});

const pauseRoute = createRoute({
  method: "post",
  path: "/api/targets/{name}/pause",
  summary: "Hold a target's deliveries",
  tags: ["Targets"],
  request: { params: targetParams },
  responses: { 200: ok(held, "It is held"), ...problems(404) },
});

const resumeRoute = createRoute({
  method: "post",
  path: "/api/targets/{name}/resume",
  summary: "Let a paused target's deliveries go",
  tags: ["Targets"],
  request: { params: targetParams },
  responses: { 200: ok(held, "It is not held"), ...problems(404) },
});

const testRoute = createRoute({
  method: "post",
  path: "/api/targets/{name}/test",
  summary: "Send a target a message that says that it is a test",
  tags: ["Targets"],
  request: { params: targetParams },
  responses: { 202: ok(tested, "It is on its way"), ...problems(404) },
});

export function addTargets(app: Api, context: AdminContext): void {
  const { store, loaded, wake } = context;

  app.openapi(listRoute, async (c) => c.json({ targets: await targetsNow(context) }, 200));

  app.openapi(pauseRoute, async (c) => {
    const { name } = c.req.valid("param");
    const held = await pause(store, await lanesOf(name, "pause"));
    wake();
    return c.json({ target: name, paused: true, ...held }, 200);
  });

  app.openapi(resumeRoute, async (c) => {
    const { name } = c.req.valid("param");
    const held = await resume(store, await lanesOf(name, "resume"));
    wake();
    return c.json({ target: name, paused: false, ...held }, 200);
  });

  app.openapi(testRoute, async (c) => {
    const { name } = c.req.valid("param");
    const { targets, sources } = loaded().config;
    const lanes = lanesNamed(name, lanesOfAll(targets.values()).keys());
    if (lanes.length === 0) {
      throw new ApiError(404, `Cannot test: ${inEnglish(sayUnknown("target", name, [...targets.keys()]))}`);
    }
    const sent = await sendTest(store, { target: name, lanes }, sources[0]!, store.time.now());
    wake();
    return c.json(sent, 202);
  });

  /** One that the config does not name any more may be held and let go as well. */
  async function lanesOf(name: string, action: string): Promise<string[]> {
    const lanes = await lanesFor(store, loaded().config.targets, name);
    if (lanes.length > 0) return lanes;
    const names = (await targetsNow(context)).map((one) => one.name);
    throw new ApiError(404, `Cannot ${action}: ${inEnglish(sayUnknown("target", name, names))}`);
  }
}
