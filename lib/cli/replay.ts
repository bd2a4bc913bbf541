/** `relay replay` */

import process from "node:process";
import type { Command } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { unknownName } from "../options.ts";
import { isSystem } from "../system_event.ts";
import { replayIds, type ReplayResult, replaySince } from "../operator/replay.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter } from "../store/operator.ts";
import { confirm, declined, LongWork } from "./long_work.ts";
import { type ConfigOptions, parseSince, print, printJson, verb } from "./shared.ts";
import { idsOf, type OpenStore, withWritableStore } from "./store.ts";
import { count, fullTime } from "./terminal.ts";

interface Options extends ConfigOptions {
  since?: number;
  type?: string;
  to?: string;
  yes?: boolean;
  json?: boolean;
}

export function replayVerb(): Command {
  return verb("replay", "route stored events again with the current config, as new deliveries", "config", "json")
    .argument("[id...]", "events; a delivery stands for its event")
    .option("--since <when>", "every event since then: a duration such as 2h, or a date", parseSince)
    .option("--type <pattern>", "with --since: only events of this type, such as note.failed or note.*")
    .option("--to <target>", "send them to this target alone, whether or not a route names it")
    .option("--yes", "with --since: do not ask for confirmation; without a terminal it never does")
    .addHelpText(
      "after",
      "\nEach delivery is a new one, with an id of its own: a receiver cannot tell it for a repeat. To try again what has" +
        "\nfailed, `relay retry` is the better way." +
        "\nExit: 0 if events were replayed, 1 if none was, 130 if Ctrl-C stopped it; what was done by then stays done.",
    )
    .action((ids: string[], options: Options) => {
      checkUsage(ids, options);
      return withWritableStore(options, async (open) => {
        checkTo(open, options.to);
        await (options.since === undefined ? some(open, ids, options) : bulk(open, options.since, options));
      });
    });
}

function checkUsage(ids: string[], { since, type }: Options): void {
  const problem = since !== undefined && ids.length > 0
    ? "--since goes without ids"
    : since === undefined && ids.length === 0
    ? "neither an id nor --since is given"
    : since === undefined && type !== undefined
    ? "--type goes with --since"
    : undefined;
  if (problem) throw new RelayError(`Cannot replay: ${problem}`, "see `relay replay --help`", ExitCode.usage);
}

/** Events are counted up to so many, for the question. */
const MAX_COUNTED = 10_000;

/** A new delivery to a target that is not in the config would wait for ever. */
function checkTo({ loaded: { config } }: OpenStore, to?: string): void {
  if (to === undefined || config.targets.has(to)) return;
  throw new RelayError(
    `Cannot replay: ${unknownName("target", to, [...config.targets.keys()])}`,
    undefined,
    ExitCode.usage,
  );
}

async function some({ store, loaded }: OpenStore, texts: string[], { to, json }: Options): Promise<void> {
  const result = await replayIds(store, loaded, idsOf(texts, "replay"), { to, now: store.time.now() });
  if (result.unknown.length > 0) process.exitCode = ExitCode.failed;
  tell(result, json);
}

async function bulk({ store, loaded }: OpenStore, since: number, { type, to, yes, json }: Options): Promise<void> {
  const filter = { type, since };
  const { events, hasMore } = await countEvents(store, filter);
  const found = (hasMore ? "more than " : "") + count(events, "event");
  const plan = `Replay ${found} since ${fullTime(since, Date.now())} ${to ? `to ${to}` : "with the current config"}?`;
  if ((events > 0 || hasMore) && !await confirm(plan, yes)) return declined(json);

  const work = new LongWork();
  const onProgress = (events: number) => work.show(`replaying: ${count(events, "event")} of ${found}, Ctrl-C stops`);
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
  const done = `Replaying ${count(events, "event")} as ${count(deliveries, "new delivery", "new deliveries")}`;
  const none = unknown.length > 0 ? "Nothing is replayed" : "Nothing is replayed: no event that fits came in";
  if (isComplete) print(events > 0 ? done : none);
  else print(`${done}, then stopped; go on with --since ${new Date(lastAt ?? since).toISOString()}`);
  if (unrouted > 0) {
    print(`${count(unrouted, "event goes", "events go")} nowhere with the current config; --to names a target`);
  }
  for (const id of unknown) print(`Not found: no event and no delivery has the id ${id}`);
}
