/** `relay replay` */

import process from "node:process";
import type { Command } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { isSystem } from "../system_event.ts";
import { replayIds, type ReplayResult, replaySince } from "../operator/replay.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter } from "../store/operator.ts";
import { idsOf } from "./ids.ts";
import { formatAt, words } from "./language.ts";
import { confirm, declined, LongWork } from "./long_work.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { parseSince, sinceAt } from "./since.ts";
import { type OpenStore, unknownTarget, withWritableStore } from "./store.ts";
import { zonedTime } from "./times.ts";

interface Options extends ConfigOptions {
  since?: string;
  type?: string;
  to?: string;
  yes?: boolean;
  json?: boolean;
}

export function replayVerb(): Command {
  const { replay } = words.operate;
  return verb("replay", replay.description, "config", "json")
    .argument("[id...]", replay.ids)
    .option("--since <when>", replay.since, parseSince)
    .option("--type <pattern>", replay.type)
    .option("--to <target>", replay.to)
    .option("--yes", replay.yes)
    .addHelpText("after", replay.help)
    .action((ids: string[], options: Options) => {
      checkUsage(ids, options);
      return withWritableStore(options, async (open) => {
        checkTo(open, options.to);
        await (options.since === undefined ? some(open, ids, options) : bulk(open, options.since, options));
      });
    });
}

function checkUsage(ids: string[], { since, type }: Options): void {
  const problem: Phrase | undefined = since !== undefined && ids.length > 0
    ? ({ operate }) => operate.replay.sinceAndIds
    : since === undefined && ids.length === 0
    ? ({ operate }) => operate.replay.nothingGiven
    : since === undefined && type !== undefined
    ? ({ operate }) => operate.replay.onlyWithSince
    : undefined;
  if (!problem) return;
  throw new RelayError(
    (words) => words.operate.wrongUsage(words.operate.verbs.replay, problem(words)),
    (words) => words.operate.seeHelp("replay"),
    ExitCode.usage,
  );
}

/** Events are counted up to this number, for the question. */
const MAX_COUNTED = 10_000;

/** A new delivery to a target that is not in the config would wait for ever. */
function checkTo({ loaded: { config } }: OpenStore, to?: string): void {
  if (to !== undefined && !config.targets.has(to)) throw unknownTarget("replay", to, [...config.targets.keys()]);
}

async function some({ store, loaded }: OpenStore, texts: string[], { to, json }: Options): Promise<void> {
  const result = await replayIds(store, loaded, await idsOf(store, texts), { to, now: store.time.now() });
  if (result.unknown.length > 0) process.exitCode = ExitCode.failed;
  tell(result, json);
}

async function bulk({ store, loaded }: OpenStore, given: string, { type, to, yes, json }: Options): Promise<void> {
  const { replay } = words.operate;
  const since = await sinceAt(given, store);
  const filter = { type, since };
  const { events: all, hasMore } = await countEvents(store, filter);
  const from = zonedTime(since, formatAt(store.time.now()));
  const question = to === undefined ? replay.question(all, hasMore, from) : replay.questionTo(all, hasMore, from, to);
  if ((all > 0 || hasMore) && !await confirm(question, yes)) return declined(json);

  const work = new LongWork();
  const onProgress = (events: number) => work.show(replay.progress(events, all, hasMore));
  onProgress(0);
  const result = await replaySince(store, loaded, filter, {
    to,
    now: store.time.now(),
    signal: work.signal,
    onProgress,
  })
    .finally(() => work.end());
  tell(result, json, since);
}

/** Counts what is to be replayed, no further than a person wants to wait for. */
async function countEvents(store: Store, filter: EventFilter): Promise<{ events: number; hasMore: boolean }> {
  let events = 0;
  let before: number | undefined;
  do {
    const page = await store.events(filter, { limit: 1_000, before });
    events += page.events.filter((event) => !isSystem(event)).length;
    before = page.next;
  } while (before !== undefined && events < MAX_COUNTED);
  return { events, hasMore: before !== undefined };
}

/**
 * Says what was done, and ends with 1 where that was nothing.
 * @param since In Unix milliseconds: where to go on if it was stopped before any event. Ids are never stopped.
 */
function tell(result: ReplayResult, json?: boolean, since = 0): void {
  const { events, deliveries, unrouted, unknown, isComplete, lastAt } = result;
  if (deliveries === 0 && isComplete) process.exitCode = ExitCode.failed;
  const lastReceivedAt = lastAt === undefined ? null : new Date(lastAt).toISOString();
  if (json) return printJson({ events, deliveries, unrouted, unknown, interrupted: !isComplete, lastReceivedAt });
  const { replay, notFound } = words.operate;
  const done = replay.done(events, deliveries);
  if (!isComplete) print(replay.interrupted(done, new Date(lastAt ?? since).toISOString()));
  else print(events > 0 ? done : unknown.length + unrouted > 0 ? replay.nothing : replay.nothingFits);
  if (unrouted > 0) print(replay.unrouted(unrouted));
  for (const id of unknown) print(notFound(id));
}
