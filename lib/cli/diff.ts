/** `relay diff` */

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import type { Command } from "commander";
import { loadConfig, type LoadedConfig, useDotenv } from "../config/load.ts";
import { ConfigError, ExitCode, messageOf, RelayError } from "../errors.ts";
import type { RelayEvent } from "../event.ts";
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
import { locale } from "./language.ts";
import { type ConfigOptions, jsonText, print, verb } from "./shared.ts";
import { parseSince, sinceAt } from "./since.ts";
import { withStore } from "./store.ts";
import { count, table } from "./terminal.ts";

interface Options extends ConfigOptions {
  since: string;
  type?: string;
  all?: boolean;
  json?: boolean;
}

/** Events that are read at a time. */
const PAGE = 500;

const help = `
Routes stored events by both configs, changes nothing, and sends nothing. Each config reads the .env beside it.

An event goes elsewhere if its targets are others, or if one of them has moved: it has another kind, address or URL.

--json: { events: [{ id, receivedAt, type, from, to, moved, problem }], checked, changed, interrupted,
groups: [{ type, from, to, moved, problem, count, example }], targets: [{ name, from, to }] }; from and to are lists of
targets, empty for an event that is unrouted; moved are those of both that have moved, which targets describes; problem is
what a \`when\` of the new config threw.

Exit, as of diff(1): 0 nothing goes elsewhere, 1 something does, 2 trouble, 78 a config is not sound, 130 Ctrl-C.`;

export function diffVerb(): Command {
  return verb("diff", "show which stored events another config would send elsewhere", "config", "json")
    .argument("<config>", "the other config, such as new.config.ts")
    .requiredOption("--since <when>", "events since then: a duration such as 7d, or a date", parseSince)
    .option("--type <pattern>", "only events of this type, such as note.failed or note.*")
    .option("--all", "print a line for each event as well")
    .addHelpText("after", help)
    .action(async (file: string, options: Options) => {
      try {
        const after = await loadConfig(file); // before the store is open: root may not read it any more then
        await withStore(options, ({ store, loaded }) => compare(store, loaded, after, options));
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new RelayError(messageOf(error), error instanceof RelayError ? error.hint : undefined, ExitCode.usage);
      }
    });
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
      else work.show(`comparing: ${count(checked, "event")}, ${changed} would go elsewhere, Ctrl-C stops`);
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
  const rows = groups.map((group) => [
    String(group.count),
    ...arrow(group),
    paint("gray", `such as ${group.example}${group.problem ? ` (${visible(group.problem.in(locale))})` : ""}`),
  ]);
  const moved = targets.filter(({ name }) => groups.some((group) => group.moved.includes(name)));
  return [
    ...table(rows),
    ...moved.map(({ name, from, to }) =>
      from === to
        ? `  ${name} has moved to another URL at ${visible(to)}`
        : `  ${name} has moved from ${visible(from)} to ${visible(to)}`
    ),
    ...(groups.length > 0 ? [""] : []),
    `${paint(changed === 0 ? "green" : "red", changed.toLocaleString("en-US"))} of ${
      count(checked, "event")
    } would go elsewhere`,
  ];
}

/** A change in words. */
function arrow({ type, from, to, moved }: Change): [type: string, from: string, to: string] {
  const goesTo = to.map((name) => moved.includes(name) ? `${name} (moved)` : name);
  return [visible(type), from.join(", ") || "no target", `→ ${goesTo.join(", ") || "no target"}`];
}
