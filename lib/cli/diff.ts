/** `relay diff` */

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import type { Command } from "commander";
import { loadConfig, type LoadedConfig, useDotenv } from "../config/load.ts";
import { ConfigError, ExitCode, RelayError, sayError } from "../errors.ts";
import type { RelayEvent } from "../event.ts";
import type { Phrase } from "../locale/phrase.ts";
import { paint, visible } from "../log.ts";
import {
  type Change,
  type ChangeGroup,
  ChangeGroups,
  changeOf,
  type MovedTarget,
  movedTargets,
} from "../operator/diff.ts";
import { isSystem } from "../system_event.ts";
import { route, routedOf, type Routing } from "../pipeline/route.ts";
import { readable } from "../sources/view.ts";
import type { Store } from "../store/mod.ts";
import type { EventPage, StoredEvent } from "../store/operator.ts";
import { LongWork } from "./long_work.ts";
import { locale, words } from "./language.ts";
import { type ConfigOptions, jsonText, print, verb } from "./shared.ts";
import { parseSince, sinceAt } from "./since.ts";
import { withStore } from "./store.ts";
import { table } from "./terminal.ts";

interface Options extends ConfigOptions {
  since: string;
  type?: string;
  all?: boolean;
  json?: boolean;
}

/** Events that are read at a time. */
const PAGE = 500;

export function diffVerb(): Command {
  const { about, config, since, type, all, help } = words.fixtures.diff;
  return verb("diff", about, "config", "json")
    .argument("<config>", config)
    .requiredOption("--since <when>", since, parseSince)
    .option("--type <pattern>", type)
    .option("--all", all)
    .addHelpText("after", help)
    .action(async (file: string, options: Options) => {
      try {
        const after = await loadConfig(file); // before the store is open: root may not read it any more then
        await withStore(options, ({ store, loaded }) => compare(store, loaded, after, options));
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new RelayError(sayError(error), hintOf(error), ExitCode.usage);
      }
    });
}

function hintOf(error: unknown): Phrase | undefined {
  return error instanceof RelayError && error.hint ? (words) => error.sayHint(words)! : undefined;
}

interface Result {
  groups: ChangeGroup[];
  targets: MovedTarget[];
  checked: number;
  changed: number;
}

async function compare(store: Store, before: LoadedConfig, after: LoadedConfig, options: Options): Promise<void> {
  const show = (text: string) => before.redact(after.redact(text));
  const targets = movedTargets(before.config, after.config);
  const moved = new Set(targets.map(({ name }) => name));
  const groups = new ChangeGroups();
  const isListed = options.json || options.all;
  let [checked, changed] = [0, 0];
  const work = new LongWork();
  if (options.json) print('{ "events": [');
  try {
    for await (const page of pagesOf(store, options, work.signal)) {
      const [old, now] = [before, after].map((loaded) => routeAll(page, loaded)) as [Routing[], Routing[]];
      const told: string[] = []; // page by page, for there may be a million in all
      for (const [at, { event }] of page.entries()) {
        const change = changeOf(event.type, old[at]!, now[at]!, moved);
        if (!change) continue;
        groups.add(event.id, change);
        if (isListed) told.push((options.json && changed > 0 ? ", " : "  ") + show(lineOf(event, change, options)));
        changed++;
      }
      checked += page.length;
      if (isListed) print(...told);
      else work.show(words.fixtures.diff.progress(checked, changed));
    }
  } finally {
    work.end();
  }
  const interrupted = work.wasInterrupted;
  if (changed > 0 && !interrupted) process.exitCode = ExitCode.failed;
  const result = { checked, changed, interrupted, groups: groups.list(), targets };
  if (options.json) return print(`],${jsonText(result, show).slice(1)}`);
  if (options.all && changed > 0) print("");
  print(...lines(result).map(show));
}

function lineOf({ id, receivedAt }: RelayEvent, change: Change, { json }: Options): string {
  const at = new Date(receivedAt).toISOString();
  return json ? jsonText({ id, receivedAt: at, ...change }, undefined, 0) : `${at}  ${id}  ${arrow(change).join("  ")}`;
}

/** Pages of the events that were there when this began, without relay's own, which no route is asked for. */
async function* pagesOf(store: Store, options: Options, signal: AbortSignal): AsyncGenerator<StoredEvent[]> {
  const { type } = options;
  const since = await sinceAt(options.since, store);
  const now = Date.now();
  let after: number | undefined = 0;
  while (after !== undefined && !signal.aborted) {
    const page: EventPage<StoredEvent> = await store.stored({ since, type }, { limit: PAGE, after, signal });
    const events = page.events.filter(({ event }) => event.receivedAt <= now);
    yield events.filter(({ event }) => !isSystem(event));
    await setImmediate(); // so that a signal is heard
    after = events.length < page.events.length ? undefined : page.next;
  }
}

/** Routes events by one config, with the variables of its own `.env`. */
function routeAll(events: readonly StoredEvent[], loaded: LoadedConfig): Routing[] {
  useDotenv(loaded);
  return events.map(({ event }) => route(routedOf(readable(event, loaded.config.sources)), loaded.config));
}

function lines({ groups, targets, checked, changed }: Result): string[] {
  const { diff: said } = words.fixtures;
  const rows = groups.map((group) => [
    words.forms.number(group.count),
    ...arrow(group),
    paint("gray", said.suchAs(group.example) + (group.problem ? ` (${visible(group.problem.in(locale))})` : "")),
  ]);
  const moved = targets.filter(({ name }) => groups.some((group) => group.moved.includes(name)));
  return [
    ...table(rows),
    ...moved.map(({ name, from, to }) =>
      `  ${from === to ? said.movedUrl(name, visible(to)) : said.movedTo(name, visible(from), visible(to))}`
    ),
    ...(groups.length > 0 ? [""] : []),
    said.total(paint(changed === 0 ? "green" : "red", words.forms.number(changed)), checked),
  ];
}

/** A change in words. */
function arrow({ type, from, to, moved }: Change): [type: string, from: string, to: string] {
  const { diff: said } = words.fixtures;
  const goesTo = to.map((name) => moved.includes(name) ? said.moved(name) : name);
  return [visible(type), from.join(", ") || said.noTarget, `→ ${goesTo.join(", ") || said.noTarget}`];
}
