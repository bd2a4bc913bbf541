/** `relay init` */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { ExitCode } from "../errors.ts";
import { answeredFiles, exampleFiles, type Files } from "../init/files.ts";
import { CONFIG, FILES, writeConfig } from "../init/write.ts";
import { locale, words } from "./language.ts";
import { print, verb } from "./shared.ts";
import { commandLine, newStanding, numbered, todoOf } from "./todo.ts";

export function initVerb(): Command {
  const { about, options, help } = words.init;
  return verb("init", about)
    .argument("[dir]", options.dir, ".")
    .option("--yes", options.yes)
    .addHelpText("after", help)
    .action(init);
}

async function init(dir: string, { yes }: { yes?: boolean }): Promise<void> {
  // Answers would be lost where either file stays as it is.
  const isNew = ![CONFIG, ".env"].some((name) => existsSync(join(dir, name)));
  const isAsking = !yes && isNew && process.stdin.isTTY && process.stdout.isTTY;
  if (!isAsking) return await write(dir, exampleFiles(locale));
  const { askAnswers } = await import("../init/questions.ts");
  const answers = await askAnswers(locale, FILES.map((name) => join(dir, name)));
  if (answers) await write(dir, answeredFiles(answers, locale));
  else process.exitCode = ExitCode.failed;
}

async function write(dir: string, files: Files): Promise<void> {
  const said = words.init;
  const written = writeConfig(dir, files, locale);
  for (const { path, isNew } of written) print(`${isNew ? said.wrote : said.kept}  ${path}`);
  const kept = written.filter(({ isNew }) => !isNew).map(({ name }) => name);
  const config = join(dir, CONFIG);
  const commandOf = (...args: string[]) => commandLine(args, dir === "." ? undefined : config);
  print("");
  if (kept.includes(".env") && !kept.includes(CONFIG)) print(said.missing(files.dotenv.map(({ name }) => name)), "");
  // What was there may be anything.
  if (kept.includes(".env") || kept.includes(CONFIG)) return print(said.check(commandOf("check")));
  const loaded = await loadConfig(config);
  print(said.next, ...numbered(todoOf(loaded, loaded.warnings, newStanding, commandOf)));
}
