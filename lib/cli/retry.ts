/** `relay retry` */

import process from "node:process";
import { type Command, Option } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { retryDead, retryIds } from "../operator/retry.ts";
import { type Reason, reasons } from "../reason.ts";
import type { Phrase } from "../locale/phrase.ts";
import type { DeadGroup } from "../store/views.ts";
import { reasonName } from "./event_words.ts";
import { idsOf } from "./ids.ts";
import { words } from "./language.ts";
import { confirm, declined, LongWork } from "./long_work.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { parseSince, sinceAt } from "./since.ts";
import { lanesOfTarget, type OpenStore, withWritableStore } from "./store.ts";

interface Options extends ConfigOptions {
  dead?: boolean;
  target?: string;
  reason?: Reason;
  since?: string;
  yes?: boolean;
  json?: boolean;
}

export function retryVerb(): Command {
  const { retry } = words.operate;
  return verb("retry", retry.description, "config", "json")
    .argument("[id...]", retry.ids)
    .option("--dead", retry.dead)
    .option("--target <name>", retry.target)
    .addOption(new Option("--reason <reason>", retry.reason).choices(reasons))
    .option("--since <when>", retry.since, parseSince)
    .option("--yes", retry.yes)
    .addHelpText("after", retry.help)
    .action((ids: string[], options: Options) => {
      checkUsage(ids, options);
      return withWritableStore(options, (open) => options.dead ? bulk(open, options) : some(open, ids, options));
    });
}

function checkUsage(ids: string[], { dead, target, reason, since }: Options): void {
  const problem: Phrase | undefined = dead && ids.length > 0
    ? ({ operate }) => operate.retry.deadAndIds
    : !dead && ids.length === 0
    ? ({ operate }) => operate.retry.nothingGiven
    : !dead && (target ?? reason ?? since) !== undefined
    ? ({ operate }) => operate.retry.onlyWithDead
    : undefined;
  if (!problem) return;
  throw new RelayError(
    (words) => words.operate.wrongUsage(words.operate.verbs.retry, problem(words)),
    (words) => words.operate.seeHelp("retry"),
    ExitCode.usage,
  );
}

async function some({ store }: OpenStore, texts: string[], { json }: Options): Promise<void> {
  const ids = await idsOf(store, texts);
  const { retried, untouched, unknown } = await retryIds(store, ids, store.time.now());
  if (retried.length === 0 || unknown.length > 0) process.exitCode = ExitCode.failed;
  if (json) return printJson({ retried: retried.length, deliveries: retried, untouched, unknown });
  const { retry, notFound } = words.operate;
  if (retried.length > 0) {
    print(retry.doneTo(retried.length, retried.map(({ id, target }) => retry.delivery(target, id))));
  }
  for (const { id, target, state } of untouched) {
    print(retry.untouched(retry.delivery(target, id), retry.states[state]));
  }
  for (const id of unknown) print(notFound(id));
  if (retried.length === 0) print(retry.nothing);
}

async function bulk(open: OpenStore, { target, reason, since: given, yes, json }: Options): Promise<void> {
  const { store } = open;
  const { retry } = words.operate;
  if (target !== undefined) await lanesOfTarget(open, target, "retry");
  const since = given === undefined ? undefined : await sinceAt(given, store);
  const filter = { target, reason, since };
  const groups = await store.deadGroups(filter);
  const all = groups.reduce((sum, group) => sum + group.count, 0);
  if (all > 0 && !await confirm(retry.question(all, groups.map(groupWords)), yes)) return declined(json);

  const work = new LongWork();
  const onProgress = (retried: number) => work.show(retry.progress(retried, all));
  if (all > 0) onProgress(0);
  const { retried, isComplete } = await retryDead(store, filter, store.time.now(), { signal: work.signal, onProgress })
    .finally(() => work.end());
  if (retried === 0 && isComplete) process.exitCode = ExitCode.failed;
  if (json) return printJson({ retried, interrupted: !isComplete });
  if (!isComplete) print(retry.interrupted(retried));
  else print(retried > 0 ? retry.done(retried) : retry.nothingDead);
}

function groupWords({ target, reason, count }: DeadGroup): string {
  return words.operate.retry.group(target, reasonName(reason), count);
}
