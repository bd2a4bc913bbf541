/** `relay events` */

import { setImmediate as turn } from "node:timers/promises";
import { type Command, Option } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { paint } from "../log.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter } from "../store/operator.ts";
import type { EventView } from "../store/views.ts";
import { followEvents } from "./event_follow.ts";
import { EventList } from "./event_list.ts";
import { printStory } from "./event_story.ts";
import { eventJson } from "./event_words.ts";
import { words } from "./language.ts";
import { LongWork } from "./long_work.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { parseSince, sinceAt } from "./since.ts";
import { lanesOfTarget, type OpenStore, timeNow, withStore } from "./store.ts";
import { zoneLine } from "./times.ts";

interface Options extends ConfigOptions {
  type?: string;
  state?: EventFilter["state"];
  target?: string;
  since?: string;
  text?: string;
  limit: number;
  follow?: boolean;
  json?: boolean;
}

const states = ["accepted", "unrouted", "pending", "in_flight", "delivered", "dead", "skipped"];

export function eventsVerb(): Command {
  const { events } = words;
  return verb("events", events.description, "config", "json")
    .argument("[id]", events.id)
    .option("--type <pattern>", events.type)
    .addOption(new Option("--state <state>", events.state).choices(states))
    .option("--target <name>", events.target)
    .option("--since <when>", events.since, parseSince)
    .option("--text <text>", events.text)
    .option("--limit <n>", events.limit, limitOf, 20)
    .option("-f, --follow", events.follow)
    .addHelpText("after", events.help)
    .action((id: string | undefined, options: Options) => {
      checkUsage(id, options);
      return withStore(options, (open) => id === undefined ? list(open, options) : printStory(open, id, options.json));
    });
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new RelayError(({ events }) => events.limitRange);
}

function checkUsage(id: string | undefined, { follow, state }: Options): void {
  if (!follow) return;
  if (id !== undefined) throw new RelayError(({ events }) => events.followAlone, undefined, ExitCode.usage);
  if (state === undefined || state === "accepted" || state === "unrouted") return;
  throw new RelayError(({ events }) => events.followState, ({ events }) => events.followStateHint, ExitCode.usage);
}

async function list(open: OpenStore, options: Options): Promise<void> {
  const { store } = open;
  const { limit, json, follow, config: _, since, ...rest } = options;
  if (rest.target !== undefined) await lanesOfTarget(open, rest.target, "list");
  if (rest.state === "in_flight" && !json) return print(words.events.inFlight);
  const filter: EventFilter = { ...rest, ...(since !== undefined && { since: await sinceAt(since, store) }) };
  const now = await timeNow(store);
  const { events, hasMore } = await collect(store, filter, limit);
  if (follow) return await followEvents(open, filter, events, json);
  if (json) return printJson(events.map(eventJson), open.loaded.redact);
  if (events.length === 0) {
    return print(Object.keys(filter).length > 0 ? words.events.noMatch : words.events.noneYet);
  }
  const shown = await EventList.of(store, events);
  print(...shown.lines(events, now, { isTitled: true }).map(open.loaded.redact));
  if (hasMore) print(paint("gray", `  ${words.events.last(events.length)}`));
  print(zoneLine());
}

/** The newest events that fit; a store that searches a part of itself at a time is asked until there are enough. */
async function collect(store: Store, filter: EventFilter, limit: number) {
  const work = new LongWork();
  try {
    const events: EventView[] = [];
    let before: number | undefined;
    do {
      const page = await store.events(filter, { limit: limit - events.length, before, signal: work.signal });
      events.push(...page.events);
      before = page.next;
      if (before === undefined || events.length === limit) break;
      work.show(words.events.searching(before, events.length));
      await turn(); // in which Ctrl-C is heard
    } while (!work.wasInterrupted);
    return { events, hasMore: before !== undefined };
  } finally {
    work.end();
  }
}
