/** `relay backup` */

import { resolve } from "node:path";
import type { Command } from "commander";
import { backupStore, type Contents } from "../store/sqlite/backup.ts";
import { formatAt, timeZone, words } from "./language.ts";
import { LongWork } from "./long_work.ts";
import { copyElsewhere } from "./copy.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { backupElsewhere } from "./backup_elsewhere.ts";
import { storeFileThere } from "./store.ts";

export function backupVerb(): Command {
  return verb("backup", words.copies.backup.about, "config", "json")
    .argument("<file>", words.copies.backup.file)
    .addHelpText("after", words.copies.backup.help)
    .action(backup);
}

async function backup(name: string, options: ConfigOptions & { json?: boolean }): Promise<void> {
  const path = await storeFileThere(options, (database) => backupElsewhere(database, name));
  const file = resolve(name);
  const work = new LongWork();
  const contents = await backupStore(path, file, copyElsewhere(work)).finally(() => work.end());
  if (options.json) printJson({ file, store: path, ...contents });
  else print(words.copies.backup.wrote(file, contentsInWords(contents)));
}

/** What a copy holds, in the user's language. */
export function contentsInWords({ events, waiting, dead, newestAt }: Contents): string {
  const newest = newestAt ? `${formatAt(Date.now()).absolute(Date.parse(newestAt))} (${timeZone})` : undefined;
  return words.copies.contents(events, waiting, dead, newest);
}
