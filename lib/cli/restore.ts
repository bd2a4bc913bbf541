/** `relay restore` */

import { resolve } from "node:path";
import type { Command } from "commander";
import { inspectBackup, restoreStore } from "../store/sqlite/backup.ts";
import { confirm, declined, LongWork } from "./long_work.ts";
import { contentsInWords } from "./backup.ts";
import { copyElsewhere } from "./copy.ts";
import { words } from "./language.ts";
import { restoreElsewhere } from "./backup_elsewhere.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { storeFile } from "./store.ts";

export function restoreVerb(): Command {
  return verb("restore", words.copies.restore.about, "config", "json")
    .argument("<file>", words.copies.restore.file)
    .option("--yes", words.copies.restore.yes)
    .addHelpText("after", words.copies.restore.help)
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
  const question = words.copies.restore.question(file, contentsInWords(contents), path);
  if (!await confirm(question, yes)) return declined(json);
  const work = new LongWork();
  const replaced = await restoreStore(file, path, Date.now(), copyElsewhere(work)).finally(() => work.end());
  if (json) return printJson({ file, store: path, replaced: replaced ?? null, ...contents });
  print(
    words.copies.restore.restored(path, contentsInWords(contents)),
    ...(replaced ? [words.copies.restore.kept(replaced)] : []),
    ...(contents.waiting > 0 ? [words.copies.restore.waiting] : []),
  );
}
