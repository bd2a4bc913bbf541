/** `relay events` */

import { setImmediate as turn } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { paint, visible } from "../log.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter } from "../store/operator.ts";
import type { EventView } from "../store/views.ts";
import { LongWork } from "./long_work.ts";
import { type ConfigOptions, parseSince, print, printJson, verb } from "./shared.ts";
import { checkTarget, type OpenStore, withStore } from "./store.ts";
import { printStory } from "./event_story.ts";
import { ago, clock, count, table } from "./terminal.ts";
import { deliveriesInShort, eventJson } from "./event_words.ts";

interface Options extends ConfigOptions {
  type?: string;
  state?: EventFilter["state"];
  target?: string;
  since?: number;
  text?: string;
  limit: number;
  json?: boolean;
}

const states = ["accepted", "unrouted", "pending", "in_flight", "delivered", "dead"];

export function eventsVerb(): Command {
  return verb("events", "list events, newest first; or show the whole story of one", "config", "json")
    .argument("[id]", "show this event, or the event of this delivery")
    .option("--type <pattern>", "only events of this type, such as note.failed or note.*")
    .addOption(new Option("--state <state>", "only events in this state, or with a delivery in it").choices(states))
    .option("--target <name>", "only events with a delivery to this target")
    .option("--since <when>", "only events since then: a duration such as 2h, or a date", parseSince)
    .option("--text <text>", "only events whose body holds this text, such as a note's id")
    .option("--limit <n>", "show this many at most", limitOf, 20)
    .addHelpText("after", "\nExit: 1 if there is no event with this id.")
    .action((id: string | undefined, options: Options) =>
      withStore(options, (open) => id === undefined ? list(open, options) : printStory(open, id, options.json))
    );
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 1 to 9999999.");
}

async function list(open: OpenStore, options: Options): Promise<void> {
  const { limit, json, config: _, ...filter } = options;
  if (filter.target !== undefined) await checkTarget(open, filter.target, "list events");
  if (filter.state === "in_flight" && !json) {
    return print("Only the running relay knows what is on its way: see its page or API. Here it is listed as pending");
  }
  const { events, hasMore } = await collect(open.store, filter, limit);
  if (json) return printJson(events.map(eventJson), open.loaded.redact);
  if (events.length === 0) {
    return print(Object.keys(filter).length > 0 ? "No event matches" : "No event has come in yet");
  }
  print(...lines(events).map(open.loaded.redact));
  if (hasMore) print(paint("gray", `  the last ${events.length}; --limit shows more`));
}

/** The newest events that fit; a store that looks at a part of itself at a time is asked until there are enough. */
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
      work.show(`looked back to event ${before}, ${count(events.length, "event")} found`);
      await turn(); // in which Ctrl-C is heard
    } while (!work.wasInterrupted);
    return { events, hasMore: before !== undefined };
  } finally {
    work.end();
  }
}

/** On a narrow terminal an id stays whole, to be copied; how long ago goes first. */
const cuts = [{ column: 1, to: 0 }, { column: 4, to: 12 }, { column: 3, to: 8 }];

function lines(events: EventView[]): string[] {
  const now = Date.now();
  return table([
    ["Received", "", "Id", "Type", "Deliveries"].map((title) => paint("bold", title)),
    ...events.map((event) => {
      const receivedAt = Date.parse(event.receivedAt);
      return [
        clock(receivedAt, now),
        paint("gray", ago(now - receivedAt)),
        event.id,
        visible(event.type),
        deliveriesInShort(event),
      ];
    }),
  ], cuts);
}
