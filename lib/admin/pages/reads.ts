/** What each page shows, read from the store and the config of now. */

import type { Context } from "hono";
import { parseId } from "../../id.ts";
import { readActivity } from "../../operator/activity.ts";
import { statuses } from "../../operator/status.ts";
import { tellStory } from "../../operator/story.ts";
import { type Reason, reasons } from "../../outcome.ts";
import type { AdminContext } from "../context.ts";
import { fieldsOf } from "./form.ts";
import { configPage } from "./config.tsx";
import { confirmPage, DEAD_PAGE_SIZE, type DeadFilter, deadPage } from "./dead.tsx";
import { eventPage } from "./event.tsx";
import { eventsPage, filterOf, PAGE_SIZE, queryOf } from "./events.tsx";
import type { Page } from "./layout.tsx";
import { overviewPage } from "./overview.tsx";
import { targetsPage } from "./targets.tsx";
import type { View } from "./view.ts";

/** Gives a page; `undefined` if there is nothing that it could tell of. */
export type Read = (c: Context, view: View) => Promise<Page | undefined>;

const DAY_MS = 86_400_000;

/** Every page, by its name. */
export function createReads({ store, loaded }: AdminContext) {
  const readStatuses = async () => statuses(await store.targets(), [...loaded().config.targets.values()]);
  const readDay = (now: number) => readActivity(store, now - DAY_MS, now);

  return {
    async overview(_c, view) {
      const [targets, dead, day] = await Promise.all([readStatuses(), store.deadGroups(), readDay(view.now)]);
      return overviewPage(view, view.clean({ statuses: targets, dead, day }));
    },

    async events(c, view) {
      const query = queryOf(c.req.query());
      const page = await store.events(filterOf(query, view.now), { limit: PAGE_SIZE, before: query.before });
      const names = (await readStatuses()).map(({ name }) => name);
      return eventsPage(view, query, view.clean(page), names);
    },

    async event(c, view) {
      const id = parseId(c.req.param("id") ?? "");
      const story = id && await store.story(id);
      return story && eventPage(view, tellStory(story, loaded()));
    },

    async dead(c, view) {
      const filter = deadFilterOf(c.req.query());
      const after = Number(c.req.query("after")) || undefined;
      const [groups, { letters, next }] = await Promise.all([
        store.deadGroups(),
        store.dead(filter, { limit: DEAD_PAGE_SIZE, after }),
      ]);
      return deadPage(view, view.clean({ filter, groups, letters, next }));
    },

    async confirm(c, view) {
      const filter = deadFilterOf(c.req.query());
      const groups = (await store.deadGroups()).filter(({ target, reason }) =>
        (filter.target ?? target) === target && (filter.reason ?? reason) === reason
      );
      const count = groups.reduce((sum, group) => sum + group.count, 0);
      return count > 0 ? confirmPage(view, view.clean(filter), count) : undefined;
    },

    async targets(c, view) {
      const id = parseId(c.req.query("event") ?? "");
      const [all, day, test] = await Promise.all([readStatuses(), readDay(view.now), id && store.event(id)]);
      return targetsPage(view, {
        ...view.clean({ statuses: all, day, test }),
        targets: loaded().config.targets,
      });
    },

    async config(c, view) {
      return configPage(view, loaded(), { sample: c.req.query("sample") });
    },

    async preview(c, view) {
      return configPage(view, loaded(), { text: (await fieldsOf(c)).event ?? "" });
    },
  } satisfies Record<string, Read>;
}

/** Which dead letters an address or a form means; an unknown reason counts as not given. */
export function deadFilterOf({ target, reason }: Record<string, string | undefined>): DeadFilter {
  const known = reasons.find((one): one is Reason => one === reason);
  return { ...(target && { target }), ...(known && { reason: known }) };
}
