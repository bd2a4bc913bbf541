/** `relay retry` */

import process from "node:process";
import { type Command, Option } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { retryDead, retryIds } from "../operator/retry.ts";
import { reasons } from "../outcome.ts";
import type { ShownState } from "../store/views.ts";
import type { DeadFilter } from "../store/operator.ts";
import type { DeadGroup } from "../store/views.ts";
import { confirm, declined, LongWork } from "./long_work.ts";
import { type ConfigOptions, parseSince, print, printJson, verb } from "./shared.ts";
import { checkTarget, idsOf, type OpenStore, withWritableStore } from "./store.ts";
import { count } from "./terminal.ts";

interface Options extends ConfigOptions, DeadFilter {
  dead?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function retryVerb(): Command {
  return verb("retry", "give dead or waiting deliveries a new set of attempts, now", "config", "json")
    .argument("[id...]", "deliveries, or events: all of their deliveries that are dead or waiting")
    .option("--dead", "every delivery that is dead")
    .option("--target <name>", "with --dead: only those to this target")
    .addOption(new Option("--reason <reason>", "with --dead: only those that failed for this reason").choices(reasons))
    .option("--since <when>", "with --dead: only of events since then: a duration such as 2h, or a date", parseSince)
    .option("--yes", "with --dead: do not ask for confirmation; without a terminal it never does")
    .addHelpText(
      "after",
      "\nA delivery keeps its id. What is delivered, or on its way, is not touched; `relay replay` sends an event again." +
        "\nExit: 0 if something is retried, 1 if nothing is, 130 if Ctrl-C stopped it; what was done by then stays done.",
    )
    .action((ids: string[], options: Options) => {
      checkUsage(ids, options);
      return withWritableStore(options, (open) => options.dead ? bulk(open, options) : some(open, ids, options));
    });
}

function checkUsage(ids: string[], { dead, target, reason, since }: Options): void {
  const problem = dead && ids.length > 0
    ? "--dead goes without ids"
    : !dead && ids.length === 0
    ? "neither an id nor --dead is given"
    : !dead && (target ?? reason ?? since) !== undefined
    ? "--target, --reason and --since go with --dead"
    : undefined;
  if (problem) throw new RelayError(`Cannot retry: ${problem}`, "see `relay retry --help`", ExitCode.usage);
}

async function some({ store }: OpenStore, texts: string[], { json }: Options): Promise<void> {
  const ids = idsOf(texts, "retry");
  const { retried, untouched, unknown } = await retryIds(store, ids, store.time.now());
  if (retried.length === 0 || unknown.length > 0) process.exitCode = ExitCode.failed;
  if (json) return printJson({ retried: retried.length, deliveries: retried, untouched, unknown });
  if (retried.length > 0) {
    const names = retried.map(({ id, target }) => `${target} (${id})`).join(", ");
    print(`Retrying ${count(retried.length, "delivery", "deliveries")}: ${names}`);
  }
  for (const { id, target, state } of untouched) print(`Not touched: ${target} (${id}) ${untouchedWords[state]}`);
  for (const id of unknown) print(`Not found: no event and no delivery has the id ${id}`);
  if (retried.length === 0) print("Nothing is retried; `relay replay` sends an event again");
}

const untouchedWords: Record<ShownState, string> = {
  delivered: "is delivered",
  in_flight: "is on its way",
  pending: "waits",
  dead: "is dead",
};

async function bulk(open: OpenStore, { target, reason, since, yes, json }: Options): Promise<void> {
  const { store } = open;
  if (target !== undefined) await checkTarget(open, target, "retry");
  const filter = { target, reason, since };
  const groups = await store.deadGroups(filter);
  const all = groups.reduce((sum, group) => sum + group.count, 0);
  if (all > 0 && !await confirm(`Retry ${planOf(groups, all)}?`, yes)) return declined(json);

  const work = new LongWork();
  const onProgress = (retried: number) => work.show(`retrying: ${retried} of ${all}, Ctrl-C stops`);
  onProgress(0);
  const { retried, isComplete } = await retryDead(store, filter, store.time.now(), { signal: work.signal, onProgress })
    .finally(() => work.end());
  if (retried === 0 && isComplete) process.exitCode = ExitCode.failed;
  if (json) return printJson({ retried, interrupted: !isComplete });
  const done = `Retrying ${count(retried, "delivery", "deliveries")}`;
  if (!isComplete) {
    print(`${done}, then stopped: the others are dead as before, and the same command goes on with them`);
  } else print(retried > 0 ? done : "Nothing is retried: no delivery that fits is dead");
}

function planOf(groups: DeadGroup[], all: number): string {
  const parts = groups.map(({ target, reason, count }) => `${target} ${reason} ${count}`).join(", ");
  return `${count(all, "dead delivery", "dead deliveries")} (${parts})`;
}
