/** What is left to do before a relay delivers real events, in the order in which to do it. */

import { statSync } from "node:fs";
import process from "node:process";
import type { LoadedConfig } from "../config/load.ts";
import { sampleNames } from "../connectvets/samples.ts";
import { RelayError, sayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { incoming } from "../operator/preview.ts";
import { route, routedOf } from "../pipeline/route.ts";
import { rightsToStore, storePlace } from "../store_place.ts";
import { isOlder } from "../store/sqlite/version.ts";
import { isSystem } from "../system_event.ts";
import type { DatabaseReport } from "../store/postgres/report.ts";
import { type ConfigWarning, shellPath } from "../warnings.ts";
import { words } from "./language.ts";
import { inStoreOf } from "./store.ts";
import { wrapped } from "./terminal.ts";

/** How far a relay has come. */
export interface Standing {
  isRunning: boolean;
  /** Of the relay that runs. */
  pid?: number;
  /** An event has come in. */
  hasEvents: boolean;
}

/** Nothing was done with the config yet. */
export const newStanding: Standing = { isRunning: false, hasEvents: false };

/**
 * What is left to do. Where the relay does not run yet, a sample secret does for a first event.
 * @param standing `undefined` where it is not known.
 * @param commandOf Gives the command line of a verb with these arguments.
 */
export function todoOf(
  { config }: Pick<LoadedConfig, "config">,
  warnings: readonly ConfigWarning[],
  standing: Standing | undefined,
  commandOf: (...args: string[]) => string,
): Phrase[] {
  const todo = warnings.flatMap(({ todo }) => todo ?? []);
  const said = (all: typeof todo) => all.map(({ say }): Phrase => ({ warnings }) => say(warnings));
  if (!standing) return said(todo);
  const { isRunning, pid, hasEvents } = standing;
  const send = commandOf("send", routedSample(config), "--wait");
  const phrases = (isLeft: boolean, phrase: Phrase) => isLeft ? [phrase] : [];
  if (isRunning) {
    return [
      ...said(todo),
      ...phrases(todo.length > 0 && pid !== undefined, ({ check }) => check.todo.reload(`kill -HUP ${pid}`)),
      ...phrases(!hasEvents, ({ check }) => check.todo.send(send)),
    ];
  }
  return [
    ...said(todo.filter(({ isFirst }) => isFirst)),
    ({ check }) => check.todo.start(commandOf("serve")),
    ...phrases(!hasEvents, ({ check }) => check.todo.sendElsewhere(send)),
    ...said(todo.filter(({ isFirst }) => !isFirst)),
  ];
}

/** The first sample event that a route matches, so that sending it shows something. */
function routedSample(config: LoadedConfig["config"]): string {
  const candidates = ["note.failed", ...sampleNames];
  const isRouted = (name: string) => {
    const event = incoming(config.sources[0]!, name, Date.now());
    return !("problem" in event) && route(routedOf(event), config).targets.length > 0;
  };
  return candidates.find(isRouted) ?? candidates[0]!;
}

/**
 * How far the relay of a config has come, as its store says. None is made. Root has no more rights from then on than
 * whoever else can change what lies there.
 * @param database What is known of the store's database.
 * @returns Why it is not known, where the store cannot be read.
 */
export async function standingOf(
  loaded: LoadedConfig,
  database: DatabaseReport | undefined,
): Promise<Standing | { problem: Phrase }> {
  const place = storePlace(loaded);
  if ("file" in place ? isAbsent(place.file) : database?.schema === 0) return newStanding;
  try {
    rightsToStore(place).take();
    if ("file" in place && isOlder(place.file)) return { problem: ({ check }) => check.todo.oldStore };
    return await inStoreOf(loaded, async ({ store }) => {
      const isRunning = await store.runs.isServed();
      const pid = isRunning && "file" in place ? (await store.runs.last())?.pid : undefined; // else of which machine?
      const { events } = await store.events({}, { limit: 20 });
      return { isRunning, pid, hasEvents: events.some((event) => !isSystem(event)) };
    });
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    return { problem: sayError(error) };
  }
}

function isAbsent(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code!);
  }
}

/**
 * The command line of a verb, as the user would type it.
 * @param config The config's path as the user gave it; `undefined` where the verb finds it by itself.
 */
export function commandLine(args: readonly string[], config?: string): string {
  const [verb, ...rest] = args;
  const program = /(^|\/)relay[^/]*$/.test(process.argv0) ? process.argv0 : "relay";
  const named = config === undefined ? [] : ["--config", config];
  return [program, verb!, ...rest, ...named].map(shellPath).join(" ");
}

/** A list of things to do, one a line. */
export function numbered(todo: readonly Phrase[]): string[] {
  return todo.flatMap((say, index) => {
    const text = say(words);
    return wrapped(`  ${index + 1}. ${text.charAt(0).toUpperCase()}${text.slice(1)}`, "     ");
  });
}
