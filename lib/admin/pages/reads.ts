/** What each page shows, read from the store and the current config. */

import { TEST } from "../../operator/test_message.ts";
import type { Context } from "hono";
import { RelayError } from "../../errors.ts";
import { parseId } from "../../id.ts";
import { sayUnknown } from "../../nearest.ts";
import { lastEvents } from "../../operator/last_events.ts";
import { relayTroubles } from "../../operator/attention.ts";
import { hasConfigChanged, runView } from "../../operator/run.ts";
import { knownTargets, statuses } from "../../operator/status.ts";
import type { RetryRun } from "../../operator/retry_run.ts";
import { sentTo } from "../../operator/sent.ts";
import { tellStory } from "../../operator/story.ts";
import { isReason, reasons } from "../../reason.ts";
import type { DeadGroup } from "../../store/views.ts";
import { parsePrefix } from "../../store/id_prefix.ts";
import type { DeadFilter, EventPage } from "../../store/operator.ts";
import { maskRecipients } from "../../recipient.ts";
import { lanesOfAll, type Target } from "../../targets/target.ts";
import type { AdminContext } from "../context.ts";
import { endOf } from "../end.ts";
import { troubleNow } from "../now.ts";
import { configPage } from "./config_page.tsx";
import { readDay } from "./day.ts";
import { confirmDeadPage, confirmReplayPage, confirmRetryPage } from "./confirm_page.tsx";
import { DEAD_PAGE_SIZE, deadIn, deadPage } from "./dead_page.tsx";
import { eventPage } from "./event_page.tsx";
import { eventsPage, PAGE_SIZE } from "./events_page.tsx";
import { filterOf, queryOf } from "./events_query.ts";
import { fieldsOf } from "../form.ts";
import type { Page } from "./layout.tsx";
import { overviewPage } from "./overview_page.tsx";
import { eventPath } from "./parts.tsx";
import { targetsPage } from "./targets_page.tsx";
import { type View, withNotice } from "./view.ts";

/** How long dead letters of a reason are looked for behind others, in milliseconds. */
const LOOK_MS = 1_000;

/** Gives a page, or the path of another one to go to; `undefined` if what it is about is not there. */
export type Read = (c: Context, view: View) => Promise<Page | string | undefined>;

/** Every page, by its name. */
export function createReads(context: AdminContext, run: RetryRun) {
  const { store, loaded, reporter, warnings, stopping } = context;

  async function readStatuses({ now, clean }: View, dead?: readonly DeadGroup[]) {
    return clean(statuses(await store.targets(dead), knownTargets(loaded().config.targets), now));
  }

  /** The story of the event, or the delivery, whose id is in the address. */
  async function storyOf(c: Context, { now }: View) {
    const id = parseId(c.req.param("id") ?? "");
    return id && await tellStory(store, loaded(), id, now);
  }

  /** The path of the one event or delivery whose id begins like this, as lists of the command line show it. */
  async function pathOf(beginning: string): Promise<string | undefined> {
    const prefix = parsePrefix(beginning);
    const [found = []] = prefix === undefined ? [] : await store.find([prefix], 2);
    return found.length === 1 && found[0]!.id !== beginning ? eventPath(found[0]!.id) : undefined;
  }

  /** Events with dead letters, of which the store looks for the target; the reason's may be behind pages of others. */
  async function deadLetters(filter: DeadFilter, before: number | undefined, signal: AbortSignal): Promise<EventPage> {
    const giveUpAt = performance.now() + LOOK_MS;
    for (;;) {
      const limit = DEAD_PAGE_SIZE;
      const { events, next } = await store.events({ state: "dead", target: filter.target }, { limit, before, signal });
      const fitting = events.filter((event) => deadIn(event, filter).length > 0);
      const isEnd = next === undefined || signal.aborted || performance.now() > giveUpAt;
      if (fitting.length > 0 || isEnd) return { events: fitting, next };
      before = next;
    }
  }

  return {
    async overview(_c, view) {
      const { file, config } = loaded();
      const { run } = reporter;
      const trouble = view.clean(await troubleNow(context));
      const configChanged = hasConfigChanged(run);
      const dead = await store.deadGroups();
      const { sent, condition } = await lastEvents(store, loaded(), view.now);
      return overviewPage(view, {
        statuses: await readStatuses(view, dead),
        dead: view.clean(dead),
        trouble,
        relayTroubles: relayTroubles({ view: runView(run, true), relays: trouble.relays, configChanged }, view.now),
        day: await readDay(store, view.now),
        lastEvent: view.clean(sent),
        condition: view.clean(condition),
        warningCount: warnings().length,
        alertCount: config.alerts.length,
        self: run,
        config: { file, hasChanged: configChanged },
      });
    },

    async events(c, view) {
      const query = queryOf(c.req.query());
      const id = parseId(query.search);
      const story = id && await store.story(id);
      if (story) return eventPath(story.id);
      const signal = endOf(c, stopping);
      const page = await store.events(filterOf(query, view.now), { limit: PAGE_SIZE, before: query.before, signal });
      return eventsPage(view, query, view.clean(page), [...loaded().config.targets.keys()]);
    },

    async event(c, view) {
      const story = await storyOf(c, view);
      if (!story) return await pathOf(c.req.param("id") ?? "");
      // What was sent stays as it is: an update of the page needs no message made anew.
      const isUpdate = c.req.header("Relay-Live") !== undefined;
      const targets = new Set(isUpdate ? [] : story.deliveries.map(({ target }) => target));
      const sent = new Map(
        [...targets].map((name) => [view.clean(name), view.clean(sentTo(story, name, loaded()))]),
      );
      return eventPage(view, story, sent, c.req.query("full") !== undefined);
    },

    async dead(c, view) {
      const filter = deadFilterOf(c.req.query());
      const { events, next } = await deadLetters(filter, queryOf(c.req.query()).before, endOf(c, stopping));
      const groups = await store.deadGroups();
      return deadPage(view, view.clean({ filter, groups, events, next, run: run.progress }));
    },

    async confirmDead(c, view) {
      if (run.progress?.state === "running") return "/dead";
      const filter = deadFilterOf(c.req.query());
      const groups = await store.deadGroups(filter);
      const count = groups.reduce((sum, one) => sum + one.count, 0);
      if (count === 0) return withNotice("/dead", { done: "nothing", count });
      return confirmDeadPage(view, view.clean(filter), count);
    },

    async confirmRetry(c, view) {
      const story = await storyOf(c, view);
      const delivery = story?.deliveries.find(({ id }) => id === c.req.param("id"));
      if (!story || !delivery) return undefined;
      if (delivery.state !== "dead" && delivery.state !== "pending") return eventPath(story.id);
      return confirmRetryPage(view, story, view.clean(delivery));
    },

    async confirmReplay(c, view) {
      const story = await storyOf(c, view);
      return story && confirmReplayPage(view, view.clean({ ...story, body: new Uint8Array(), details: undefined }));
    },

    async targets(c, view) {
      const id = parseId(c.req.query("event") ?? "");
      const story = id && await tellStory(store, loaded(), id, view.now);
      const deliveries = story?.type === TEST ? story.deliveries : [];
      return targetsPage(view, {
        statuses: await readStatuses(view),
        targets: shownLanes(loaded().config.targets),
        day: await readDay(store, view.now),
        test: story && deliveries.length > 0 ? view.clean({ event: story.id, deliveries }) : undefined,
      });
    },

    async config(c, view) {
      return configPage(view, loaded(), warnings(), { sample: c.req.query("sample") });
    },

    async preview(c, view) {
      return configPage(view, loaded(), warnings(), { text: (await fieldsOf(c)).event ?? "" });
    },
  } satisfies Record<string, Read>;
}

/** What is delivered to in each lane, by the name that pages show. */
function shownLanes(targets: ReadonlyMap<string, Target>): Map<string, Target> {
  return new Map([...lanesOfAll(targets.values())].map(([name, target]) => [maskRecipients(name), target]));
}

/**
 * Which dead letters an address or a form means.
 * @throws {RelayError} if it names an unknown reason, without which more would be meant.
 */
export function deadFilterOf({ target, reason }: Record<string, string | undefined>): DeadFilter {
  const known = isReason(reason) ? reason : undefined;
  if (reason && !known) {
    const problem = sayUnknown("reason", reason, reasons);
    throw new RelayError((words) => words.pages.dead.cannotChoose(problem(words)));
  }
  return { ...(target && { target }), ...(known && { reason: known }) };
}
