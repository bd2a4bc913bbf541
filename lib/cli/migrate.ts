/** `relay migrate` */

import { existsSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { ExitCode, RelayError } from "../errors.ts";
import { cancelMove, type Moved, type MoveProgress, moveStore, previewMove } from "../operator/migrate.ts";
import { openTransfer, rightsToStore, type StorePlace, storePlace, storePlaceIn } from "../store_place.ts";
import type { PostgresUrl } from "../store/postgres/url.ts";
import type { TransferSide } from "../store/transfer.ts";
import { INTERRUPTED, LongWork } from "./long_work.ts";
import { configOf, type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { checkThere } from "./store.ts";
import { count } from "./terminal.ts";

interface Options extends ConfigOptions {
  from?: string;
  to?: string;
  dryRun?: boolean;
  cancel?: boolean;
  sql?: boolean;
  json?: boolean;
}

export function migrateVerb(): Command {
  return verb(
    "migrate",
    "move the store, between a file and PostgreSQL or from one database to another",
    "config",
    "json",
  )
    .option("--from <store>", "the store to move, such as sqlite:relay.db; default: the config's, where --to is given")
    .option("--to <store>", "where to; default: the config's store")
    .option("--dry-run", "say what would be moved, and what would prevent it")
    .option("--cancel", "give up a move that is not done: the store can be served where it is")
    .option("--sql", "print what makes the schema in PostgreSQL, for a database's administrator")
    .addHelpText(
      "after",
      "\nStop every relay first. A move that ends before it is done goes on when it is run again. Once both sides hold the" +
        "\nsame, the old store is kept, and no relay serves it any more.",
    )
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
    throw new RelayError(
      "Cannot move the store: neither --from nor --to is given",
      "`relay migrate --from sqlite:relay.db` moves that file to the config's store",
      ExitCode.usage,
    );
  }
  const placeOf = (store: string | undefined, option: string) =>
    store === undefined ? storePlace(loaded) : givenPlace(loaded.folder, store, option);
  const [from, to] = [placeOf(options.from, "--from"), placeOf(options.to, "--to")];
  if (from.shown === to.shown && !options.cancel) {
    throw new RelayError(
      `Cannot move ${from.shown}: --from and --to are the same store`,
      "name one of them that the config does not",
      ExitCode.usage,
    );
  }
  if ("file" in from && "file" in to && !options.cancel) {
    throw new RelayError(
      `Cannot move ${from.shown} to ${to.shown}: both are files`,
      "`relay backup` and `relay restore` copy a file, and a file can be moved as it is while no relay runs",
      ExitCode.usage,
    );
  }
  return { from, to };
}

function givenPlace(folder: string, store: string, option: string): StorePlace {
  if (!/^(sqlite:.|postgres(ql)?:)/i.test(store)) {
    throw new RelayError(
      `Cannot read ${option}: expected "sqlite:" and a path, or "postgres://USER:PASSWORD@HOST/DATABASE"`,
      undefined,
      ExitCode.usage,
    );
  }
  try {
    return storePlaceIn(folder, store);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    throw new RelayError(`Cannot read ${option}: ${error.message}`, undefined, ExitCode.usage);
  }
}

async function printSchema(loaded: LoadedConfig, { from, to }: Options): Promise<void> {
  const given = Object.entries({ "--to": to, "--from": from })
    .find(([, store]) => store !== undefined && !store.startsWith("sqlite:"));
  const place = given ? givenPlace(loaded.folder, given[1]!, given[0]) : storePlace(loaded);
  if ("file" in place) {
    throw new RelayError(
      `Cannot print the schema of ${place.shown}: only PostgreSQL has one that is made beforehand`,
      "name the database as --to, or as `store` in the config",
      ExitCode.usage,
    );
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
    throw new RelayError(error.message, error.hint, INTERRUPTED);
  } finally {
    work.end();
  }
}

function progressText({ doing, table, done }: MoveProgress): string {
  return `${doing} the ${table.replaceAll("_", " ")}: ${Math.floor(done * 100)} %`;
}

function movedLines(
  { counts, digest, resumedFrom, wasDone }: Moved,
  from: StorePlace,
  to: StorePlace,
  configured: string,
) {
  if (wasDone) return [`${from.shown} was moved to ${to.shown} before: ${countsInWords(counts)}`];
  return [
    `Moved ${from.shown} to ${to.shown}: ${countsInWords(counts)}`,
    ...(resumedFrom > 0 ? [`An earlier run had copied ${count(resumedFrom, "row")} of it`] : []),
    `Both hold the same: SHA-256 of all events ${digest}`,
    `${from.shown} is kept, and is marked: no relay serves it any more`,
    ...(configured === to.shown ? [] : ["Name the new one as `store` in the config, and start the relay"]),
  ];
}

function countsInWords(counts: Record<string, number>): string {
  const { events = 0, deliveries = 0, attempts = 0 } = counts;
  return [
    count(events, "event"),
    count(deliveries, "delivery", "deliveries"),
    count(attempts, "attempt"),
  ].join(", ");
}

async function preview(from: StorePlace, to: StorePlace, { json }: Options): Promise<void> {
  const isThere = "file" in to ? existsSync(to.file) : await hasSchema(to.database);
  const counts = isThere
    ? await withSides(from, to, previewMove)
    : await withSides(from, undefined, (source) => previewMove(source, undefined));
  if (json) return printJson({ from: from.shown, to: to.shown, isThere, counts });
  print(
    `Would move ${from.shown} to ${to.shown}: ${countsInWords(counts)}`,
    isThere ? "It is there, and holds nothing else" : "It is not there yet, and is made",
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
  if (other === undefined) return print(`${from.shown} is not being moved`);
  print(`${from.shown} stays where it is`, `Remove what was copied to ${other} before you move anything there`);
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
