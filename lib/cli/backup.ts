/** `relay backup` */

import { resolve } from "node:path";
import type { Command } from "commander";
import { backupStore, type Contents } from "../store/sqlite/backup.ts";
import { LongWork } from "./long_work.ts";
import { copyElsewhere } from "./copy.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { backupElsewhere } from "./backup_elsewhere.ts";
import { storeFileThere } from "./store.ts";
import { count } from "./terminal.ts";

export function backupVerb(): Command {
  return verb("backup", "copy the store into one file, whether `relay serve` runs or not", "config", "json")
    .argument("<file>", "file to write; nothing may be there")
    .addHelpText(
      "after",
      "\nThe copy is checked, and has its name only when it is whole. `relay restore` puts it back. It holds what came in: keep it as safe as the store.",
    )
    .action(backup);
}

async function backup(name: string, options: ConfigOptions & { json?: boolean }): Promise<void> {
  const path = await storeFileThere(options, (database) => backupElsewhere(database, name));
  const file = resolve(name);
  const work = new LongWork();
  const contents = await backupStore(path, file, copyElsewhere(work)).finally(() => work.end());
  if (options.json) printJson({ file, store: path, ...contents });
  else print(`Wrote ${file}: ${contentsInWords(contents)}`);
}

/** What a copy holds, in words. */
export function contentsInWords({ events, waiting, dead, newestAt }: Contents): string {
  const newest = newestAt ? `, the newest of ${newestAt}` : "";
  const deliveries = `${count(waiting, "delivery waits", "deliveries wait")}, ${dead} dead`;
  return `${count(events, "event")}${newest}; ${deliveries}`;
}
