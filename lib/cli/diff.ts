/** `relay diff` */

import process from "node:process";
import type { Command } from "commander";
import { loadConfig, type LoadedConfig, useDotenv } from "../config/load.ts";
import { ConfigError, ExitCode, messageOf, RelayError } from "../errors.ts";
import { payloadOf } from "../event.ts";
import { paint, visible } from "../log.ts";
import {
  type Change,
  type ChangeGroup,
  ChangeGroups,
  changeOf,
  type MovedTarget,
  movedTargets,
} from "../operator/diff.ts";
import { route, type Routing } from "../pipeline/route.ts";
import type { Store } from "../store/mod.ts";
import type { EventPage, StoredEvent } from "../store/operator.ts";
import { LongWork } from "./ask.ts";
import { type ConfigOptions, parseSince, print, printJson, verb } from "./shared.ts";
import { withStore } from "./store.ts";
import { count, table } from "./terminal.ts";

interface Options extends ConfigOptions {
  since: number;
  type?: string;
  all?: boolean;
  json?: boolean;
}

/** Events that are read at a time. */
const PAGE = 500;

const help = `
Routes stored events by both configs, changes nothing, and sends nothing. Each config reads the .env beside it.

An event goes elsewhere if its targets are others, or if one of them has moved: it has another kind, address or URL.

--json: { checked, changed, groups: [{ type, from, to, moved, count, example, problem }], events: [{ id, receivedAt, type,
from, to, moved, problem }], targets: [{ name, from, to }] }; from and to are lists of targets, empty for an event that is
unrouted; moved are those of both that have moved, which targets describes; problem is what a \`when\` of the new config
threw.

Exit, as of diff(1): 0 nothing goes elsewhere, 1 something does, 2 trouble, 78 a config is not sound, 130 Ctrl-C.`;

export function diffVerb(): Command {
  return verb("diff", "tell which stored events would go elsewhere by another config", "config", "json")
    .argument("<config>", "the other config, such as new.config.ts")
    .requiredOption("--since <when>", "events since then: a duration such as 7d, or a date", parseSince)
    .option("--type <pattern>", "only events of this type, such as note.failed or note.*")
    .option("--all", "print a line for each event as well")
    .addHelpText("after", help)
    .action(async (file: string, options: Options) => {
      try {
        await withStore(options, async ({ store, loaded }) => compare(store, loaded, await loadConfig(file), options));
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new RelayError(messageOf(error), error instanceof RelayError ? error.hint : undefined, ExitCode.usage);
      }
    });
}

async function compare(store: Store, before: LoadedConfig, after: LoadedConfig, options: Options): Promise<void> {
  const show = (text: string) => before.redact(after.redact(text));
  const targets = movedTargets(before.config, after.config);
  const moved = new Set(targets.map(({ name }) => name));
  const groups = new ChangeGroups();
  const events: (Change & { id: string; receivedAt: string })[] = [];
  let [checked, changed] = [0, 0];
  const work = new LongWork();
  try {
    for await (const page of pagesOf(store, options, work.signal)) {
      const [old, now] = [before, after].map((loaded) => routeAll(page, loaded)) as [Routing[], Routing[]];
      for (const [at, { event }] of page.entries()) {
        const change = changeOf(event.type, old[at]!, now[at]!, moved);
        if (!change) continue;
        changed++;
        groups.add(event.id, change);
        const one = { id: event.id, receivedAt: new Date(event.receivedAt).toISOString(), ...change };
        if (options.json) events.push(one);
        else if (options.all) print(show(`${one.receivedAt}  ${one.id}  ${arrow(change).join("  ")}`));
      }
      checked += page.length;
      work.show(`comparing: ${count(checked, "event")}, ${changed} would go elsewhere, Ctrl-C stops`);
    }
  } finally {
    work.end();
  }
  if (changed > 0 && !work.wasInterrupted) process.exitCode = ExitCode.failed;
  if (options.json) return printJson({ checked, changed, groups: groups.list(), events, targets }, show);
  if (options.all && changed > 0) print("");
  print(...lines(groups.list(), targets, checked, changed).map(show));
}

/** Pages of the events that were there when this began. */
async function* pagesOf(store: Store, { since, type }: Options, signal: AbortSignal): AsyncGenerator<StoredEvent[]> {
  const now = Date.now();
  let after: number | undefined = 0;
  while (after !== undefined && !signal.aborted) {
    const page: EventPage<StoredEvent> = await store.stored({ since, type }, { limit: PAGE, after });
    const events = page.events.filter(({ event }) => event.receivedAt <= now);
    yield events;
    after = events.length < page.events.length ? undefined : page.next;
  }
}

/** Routes events by one config, with the variables of its own `.env`. */
function routeAll(events: readonly StoredEvent[], loaded: LoadedConfig): Routing[] {
  useDotenv(loaded);
  return events.map(({ event }) => route(payloadOf(event), loaded.config));
}

function lines(groups: ChangeGroup[], targets: MovedTarget[], checked: number, changed: number): string[] {
  const rows = groups.map((group) => [
    String(group.count),
    ...arrow(group),
    paint("gray", `such as ${group.example}${group.problem ? ` (${visible(group.problem)})` : ""}`),
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
