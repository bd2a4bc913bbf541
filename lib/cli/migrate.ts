/** `relay migrate` */

import { existsSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { ExitCode, hintOf, RelayError, sayError } from "../errors.ts";
import type { Language } from "../locale/mod.ts";
import { cancelMove, type Moved, type MoveProgress, moveStore, previewMove } from "../operator/migrate.ts";
import { openTransfer, rightsToStore, type StorePlace, storePlace, storePlaceIn } from "../store_place.ts";
import type { PostgresUrl } from "../store/postgres/url.ts";
import type { TransferSide } from "../store/transfer.ts";
import { words } from "./language.ts";
import { INTERRUPTED, LongWork } from "./long_work.ts";
import { configOf, type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { checkThere } from "./store.ts";

interface Options extends ConfigOptions {
  from?: string;
  to?: string;
  dryRun?: boolean;
  cancel?: boolean;
  sql?: boolean;
  json?: boolean;
}

export function migrateVerb(): Command {
  const { migrate: texts } = words.copies;
  return verb("migrate", texts.about, "config", "json")
    .option("--from <store>", texts.from)
    .option("--to <store>", texts.to)
    .option("--dry-run", texts.dryRun)
    .option("--cancel", texts.cancel)
    .option("--sql", texts.sql)
    .addHelpText("after", texts.help)
    .action(migrate);
}

async function migrate(options: Options): Promise<void> {
  const loaded = await configOf(options);
  if (options.sql) return await printSchema(loaded, options);
  const { from, to } = placesOf(loaded, options);
  for (const place of [from, to]) if ("file" in place) rightsToStore(place).take();
  checkThere(from);
  if (options.cancel) return await cancel(from, options);
  if (options.dryRun) return await preview(from, to, options);
  await move(from, to, loaded, options);
}

/** What is moved, and where to. */
function placesOf(loaded: LoadedConfig, options: Options): { from: StorePlace; to: StorePlace } {
  if (options.from === undefined && options.to === undefined) {
    throw usageError(({ migrate }) => migrate.cannot(migrate.noSides), ({ migrate }) => migrate.sidesHint);
  }
  const placeOf = (store: string | undefined, option: string) =>
    store === undefined ? storePlace(loaded) : givenPlace(loaded.folder, store, option);
  const [from, to] = [placeOf(options.from, "--from"), placeOf(options.to, "--to")];
  if (from.shown === to.shown && !options.cancel) {
    throw usageError(
      ({ migrate }, { move }) => move.cannot(from.shown, undefined, migrate.same),
      ({ migrate }) => migrate.sameHint,
    );
  }
  if ("file" in from && "file" in to && !options.cancel) {
    throw usageError(
      ({ migrate }, { move }) => move.cannot(from.shown, to.shown, migrate.bothFiles),
      ({ migrate }) => migrate.bothFilesHint,
    );
  }
  return { from, to };
}

function givenPlace(folder: string, store: string, option: string): StorePlace {
  if (!/^(sqlite:.|postgres(ql)?:)/i.test(store)) {
    throw usageError(({ migrate }) => migrate.cannotRead(option, migrate.expectedStore));
  }
  try {
    return storePlaceIn(folder, store);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    throw new RelayError(
      (words) => words.copies.migrate.cannotRead(option, sayError(error)(words)),
      undefined,
      ExitCode.usage,
    );
  }
}

type Said = (copies: Language["copies"], store: Language["store"]) => string;

function usageError(problem: Said, hint?: Said): RelayError {
  return new RelayError(
    ({ copies, store }) => problem(copies, store),
    hint && (({ copies, store }) => hint(copies, store)),
    ExitCode.usage,
  );
}

async function printSchema(loaded: LoadedConfig, { from, to }: Options): Promise<void> {
  const given = Object.entries({ "--to": to, "--from": from })
    .find(([, store]) => store !== undefined && !store.startsWith("sqlite:"));
  const place = given ? givenPlace(loaded.folder, given[1]!, given[0]) : storePlace(loaded);
  if ("file" in place) {
    throw usageError(({ migrate }) => migrate.noSchema(place.shown), ({ migrate }) => migrate.schemaHint);
  }
  const { schemaSql } = await import("../store/postgres/schema.ts");
  process.stdout.write(schemaSql(place.database.schema, place.database.user));
}

async function move(from: StorePlace, to: StorePlace, loaded: LoadedConfig, { json }: Options): Promise<void> {
  const work = new LongWork();
  try {
    const moved = await withSides(from, to, (source, destination) =>
      moveStore(source, destination!, {
        onProgress: (progress) => work.show(progressText(progress)),
        signal: work.signal,
      }));
    work.end();
    if (json) printJson({ from: from.shown, to: to.shown, ...moved });
    else print(...movedLines(moved, from, to, storePlace(loaded).shown));
  } catch (error) {
    if (!work.wasInterrupted || !(error instanceof RelayError)) throw error;
    throw new RelayError(sayError(error), hintOf(error), INTERRUPTED);
  } finally {
    work.end();
  }
}

function progressText({ doing, table, done }: MoveProgress): string {
  return words.copies.migrate[doing](table, Math.floor(done * 100) / 100);
}

function movedLines(
  { counts, digest, resumedFrom, wasDone }: Moved,
  from: StorePlace,
  to: StorePlace,
  configured: string,
) {
  const { migrate } = words.copies;
  if (wasDone) return [migrate.movedBefore(from.shown, to.shown, countsInWords(counts))];
  return [
    migrate.moved(from.shown, to.shown, countsInWords(counts)),
    ...(resumedFrom > 0 ? [migrate.resumed(resumedFrom)] : []),
    migrate.same256(digest),
    migrate.kept(from.shown),
    ...(configured === to.shown ? [] : [migrate.configure(to.shown)]),
  ];
}

function countsInWords(counts: Record<string, number>): string {
  const { events = 0, deliveries = 0, attempts = 0 } = counts;
  return words.copies.migrate.counts(events, deliveries, attempts);
}

async function preview(from: StorePlace, to: StorePlace, { json }: Options): Promise<void> {
  const isThere = "file" in to ? existsSync(to.file) : await hasSchema(to.database);
  const counts = isThere
    ? await withSides(from, to, previewMove)
    : await withSides(from, undefined, (source) => previewMove(source, undefined));
  if (json) return printJson({ from: from.shown, to: to.shown, isThere, counts });
  print(
    words.copies.migrate.wouldMove(from.shown, to.shown, countsInWords(counts)),
    isThere ? words.copies.migrate.destinationReady : words.copies.migrate.destinationNew,
  );
}

/** @throws {RelayError} if the database cannot be used. */
async function hasSchema(database: PostgresUrl): Promise<boolean> {
  const { isStoreThere } = await import("../store/postgres/transfer.ts");
  return await isStoreThere(database);
}

async function cancel(from: StorePlace, { json }: Options): Promise<void> {
  const other = await withSides(from, undefined, cancelMove);
  if (json) return printJson({ from: from.shown, cancelled: other ?? null });
  const { migrate } = words.copies;
  if (other === undefined) return print(migrate.notMoving(from.shown));
  print(migrate.cancelled(from.shown), migrate.deleteCopy(other));
}

async function withSides<Result>(
  from: StorePlace,
  to: StorePlace | undefined,
  work: (from: TransferSide, to: TransferSide | undefined) => Promise<Result>,
): Promise<Result> {
  const source = await openTransfer(from, false);
  try {
    const destination = to && await openTransfer(to, true);
    try {
      return await work(source, destination);
    } finally {
      await destination?.close();
    }
  } finally {
    await source.close();
  }
}
