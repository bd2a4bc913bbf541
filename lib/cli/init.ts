/** `relay init` */

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Command, Option } from "commander";
import typesText from "../../relay.d.ts" with { type: "text" };
import { ExitCode, RelayError } from "../errors.ts";
import { answeredFiles, dotenvText, exampleFiles, type Files } from "../init/files.ts";
import { initWords } from "../init/words.ts";
import type { Locale } from "../messages/style.ts";
import { print, verb } from "./shared.ts";

const CONFIG = "relay.config.ts";

interface Options {
  locale?: Locale;
  yes?: boolean;
}

export function initVerb(): Command {
  return verb("init", "write a config to edit, its types, and a .env for its secrets")
    .argument("[dir]", "folder to write to; it is made if it is not there", ".")
    .addOption(new Option("--locale <locale>", "language of comments and messages").choices(["pt-BR", "en"]))
    .option("--yes", "ask nothing, and write an example")
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
  const { askAnswers } = await import("../init/ask.ts");
  const answers = await askAnswers(asked);
  if (answers) write(dir, answeredFiles(answers, asked), asked);
  else process.exitCode = ExitCode.failed;
}

/** The language of the user's terminal, of the two that there are. */
function terminalLocale(): Locale {
  const { LC_ALL, LC_MESSAGES, LANG } = process.env;
  return (LC_ALL || LC_MESSAGES || LANG || "").startsWith("pt") ? "pt-BR" : "en";
}

function write(dir: string, { config, dotenv }: Files, locale: Locale): void {
  const words = initWords(locale);
  const files = [
    { name: CONFIG, text: config, mode: 0o644 },
    { name: "relay.d.ts", text: typesText, mode: 0o644 },
    { name: ".env", text: dotenvText(dotenv, locale), mode: 0o600 },
  ];
  const kept: string[] = [];
  try {
    mkdirSync(dir, { recursive: true });
    for (const { name, text, mode } of files) {
      const path = join(dir, name);
      const isNew = writeNew(path, text, mode);
      if (!isNew) kept.push(name);
      print(`${isNew ? words.wrote : words.kept}  ${path}`);
    }
  } catch (error) {
    throw new RelayError(`Cannot write to ${dir}: ${(error as NodeJS.ErrnoException).code ?? "it failed"}`);
  }
  if (kept.includes(".env") && !kept.includes(CONFIG)) {
    print(
      "",
      words.missing(dotenv.map(({ name }) => name).join(", ")),
    );
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

/** Writes a file if there is none; says whether it did. */
function writeNew(path: string, text: string, mode: number): boolean {
  try {
    writeFileSync(path, text, { flag: "wx", mode });
    chmodSync(path, mode); // whatever the umask says
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
