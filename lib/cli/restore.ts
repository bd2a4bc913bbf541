/** `relay restore` */

import { resolve } from "node:path";
import type { Command } from "commander";
import { inspectBackup, restoreStore } from "../store/sqlite/backup.ts";
import { confirm, declined, LongWork } from "./long_work.ts";
import { contentsInWords } from "./backup.ts";
import { copyElsewhere } from "./copy.ts";
import { restoreElsewhere } from "./backup_elsewhere.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { storeFile } from "./store.ts";

export function restoreVerb(): Command {
  return verb("restore", "replace the store with a copy that `relay backup` made", "config", "json")
    .argument("<file>", "the copy")
    .option("--yes", "do not ask for confirmation; without a terminal it never does")
    .addHelpText(
      "after",
      "\nStop `relay serve` first. The store that it replaces is kept beside it, under a name with the time." +
        "\nWhat waits in the copy is delivered after the next start, also what was delivered since; the delivery ids are the same.",
    )
    .action(restore);
}

async function restore(
  name: string,
  options: ConfigOptions & { json?: boolean; yes?: boolean },
): Promise<void> {
  const { json, yes } = options;
  const path = await storeFile(options, (database) => restoreElsewhere(database, name));
  const file = resolve(name);
  const contents = inspectBackup(file);
  const question = `Put ${file} (${contentsInWords(contents)}) in the place of ${path}?`;
  if (!await confirm(question, yes)) return declined(json);
  const work = new LongWork();
  const replaced = await restoreStore(file, path, Date.now(), copyElsewhere(work)).finally(() => work.end());
  if (json) return printJson({ file, store: path, replaced: replaced ?? null, ...contents });
  print(
    `Restored ${path}: ${contentsInWords(contents)}`,
    ...(replaced ? [`The store that was there is ${replaced} now`] : []),
    ...(contents.waiting > 0
      ? ["What waits is delivered after the next start; `relay pause T` first holds a target back"]
      : []),
  );
}
