/** `relay init` */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { ExitCode } from "../errors.ts";
import { answeredFiles, exampleFiles, type Files } from "../init/files.ts";
import { CONFIG, writeConfig } from "../init/write.ts";
import { type Locale, localeFor, locales } from "../locale/mod.ts";
import { print, verb } from "./shared.ts";

interface Options {
  locale?: Locale;
  yes?: boolean;
}

export function initVerb(): Command {
  return verb("init", "write a config to edit, its types, and a .env for its secrets")
    .argument("[dir]", "folder to write to; it is made if it is not there", ".")
    .option("--yes", "ask nothing and write an example")
    .addHelpText(
      "after",
      "\nOn a terminal it asks what the config is to do. A file that is there already is left as it is.",
    )
    .action(init);
}

async function init(dir: string, { locale, yes }: Options): Promise<void> {
  // Answers would be lost where either file stays as it is.
  const isNew = ![CONFIG, ".env"].some((name) => existsSync(join(dir, name)));
  const isAsking = !yes && isNew && process.stdin.isTTY && process.stdout.isTTY;
  if (!isAsking) return write(dir, exampleFiles(locale), locale ?? "en");
  const asked = locale ?? terminalLocale();
  const { askAnswers } = await import("../init/questions.ts");
  const answers = await askAnswers(asked);
  if (answers) write(dir, answeredFiles(answers, asked), asked);
  else process.exitCode = ExitCode.failed;
}

/** The language of the user's terminal. */
function terminalLocale(): Locale {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  return localeFor(LC_ALL || LC_MESSAGES || LANG || "");
}

function write(dir: string, files: Files, locale: Locale): void {
  const words = locales[locale].init;
  const written = writeConfig(dir, files, locale);
  for (const { path, isNew } of written) print(`${isNew ? words.wrote : words.kept}  ${path}`);
  const kept = written.filter(({ isNew }) => !isNew).map(({ name }) => name);
  if (kept.includes(".env") && !kept.includes(CONFIG)) {
    print("", words.missing(files.dotenv.map(({ name }) => name).join(", ")));
  }
  const at = dir === "." ? "" : ` --config ${join(dir, CONFIG)}`;
  print(
    "",
    words.next,
    `  1. ${words.edit}`,
    `  2. relay check${at}`,
    `  3. relay serve${at}`,
    `  4. relay send${at} note.failed    (${words.otherTerminal})`,
  );
}
