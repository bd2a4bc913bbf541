/** The command line: one file a verb. */

import process from "node:process";
import { type Command, CommanderError, Option } from "commander";
import { ConfigError, ExitCode, FixtureError, issueJson, messageOf, RelayError, sayError } from "../errors.ts";
import { type Language, localeNames } from "../locale/mod.ts";
import { VERSION } from "../version.ts";
import { maskRecipients } from "../recipient.ts";
import { Verb } from "./command.ts";
import { issueLines } from "./issue_lines.ts";
import { chooseLanguage, speakAs, words } from "./language.ts";
import { wrapped } from "./terminal.ts";

/** The verbs in the groups of the help. Each is loaded when it is asked for: `serve` needs little of what the others do. */
const groups: Record<keyof Language["cli"]["groups"], Record<string, () => Promise<Command>>> = {
  start: {
    demo: async () => (await import("./demo.ts")).demoVerb(),
    init: async () => (await import("./init.ts")).initVerb(),
    check: async () => (await import("./check.ts")).checkVerb(),
    serve: async () => (await import("./serve.ts")).serveVerb(),
    send: async () => (await import("./send.ts")).sendVerb(),
  },
  operate: {
    status: async () => (await import("./status.ts")).statusVerb(),
    events: async () => (await import("./events.ts")).eventsVerb(),
    retry: async () => (await import("./retry.ts")).retryVerb(),
    replay: async () => (await import("./replay.ts")).replayVerb(),
    pause: async () => (await import("./pause.ts")).pauseVerb(),
    resume: async () => (await import("./resume.ts")).resumeVerb(),
  },
  try: {
    routes: async () => (await import("./routes.ts")).routesVerb(),
    test: async () => (await import("./test.ts")).testVerb(),
    diff: async () => (await import("./diff.ts")).diffVerb(),
    sign: async () => (await import("./sign.ts")).signVerb(),
    verify: async () => (await import("./verify.ts")).verifyVerb(),
  },
  store: {
    backup: async () => (await import("./backup.ts")).backupVerb(),
    restore: async () => (await import("./restore.ts")).restoreVerb(),
    migrate: async () => (await import("./migrate.ts")).migrateVerb(),
    copy: async () => (await import("./copy.ts")).copyVerb(),
  },
  machine: {
    service: async () => (await import("./service.ts")).serviceVerb(),
    metrics: async () => (await import("./metrics.ts")).metricsVerb(),
    completions: async () => (await import("./completions.ts")).completionsVerb(),
    version: async () => (await import("./version.ts")).versionVerb(),
    help: async () => (await import("./help.ts")).helpVerb(),
  },
};

/** Verbs that tell of all others. */
const needAll: readonly string[] = ["completions", "help"];

/**
 * The command line.
 * @param asked The one verb that is wanted of it; by default all.
 */
export async function createProgram(asked = ""): Promise<Command> {
  const program = new Verb("relay")
    .description(words.cli.description)
    .version(VERSION, "-V, --version", words.cli.version)
    .addOption(new Option("--locale <locale>", words.cli.locale).choices(localeNames))
    .addHelpText("after", `\n${words.cli.startHere}`);
  const isOne = !needAll.includes(asked) && Object.values(groups).some((verbs) => Object.hasOwn(verbs, asked));
  for (const [group, verbs] of Object.entries(groups) as [keyof typeof groups, typeof groups.start][]) {
    for (const [name, load] of Object.entries(verbs)) {
      if (isOne && name !== asked) continue;
      const command = (await load()).helpGroup(words.cli.groups[group]);
      program.addCommand(command, { hidden: name === "copy" });
    }
  }
  return program;
}

/** Runs the command line and sets the exit code. Whatever fails is told in words. */
export async function main(args: readonly string[]): Promise<void> {
  chooseLanguage(args);
  const program = await createProgram(args[0]);
  process.stdout.on("error", lostOutput);
  try {
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    process.exitCode = report(error, args.includes("--json"));
  }
}

/** Whoever reads what a verb prints may have seen enough, as `head` has; a disk that is full is another matter. */
function lostOutput(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" || process.exitCode === ExitCode.failed) return;
  process.exitCode = ExitCode.failed;
  process.stderr.write(`${words.cli.lostOutput(messageOf(error))}\n`);
}

/** Tells an error to a person, or to a script under `--json`, and gives the exit code. */
function report(error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage; // already printed
  const issues = error instanceof ConfigError || error instanceof FixtureError ? error.issues : [];
  if (error instanceof ConfigError) speakAs(error.told);
  if (asJson) {
    const hint = error instanceof RelayError ? error.hint : undefined;
    process.stdout.write(
      JSON.stringify({ ok: false, error: messageOf(error), hint, issues: issues.map(issueJson) }, null, 2) + "\n",
    );
  } else {
    const hint = error instanceof RelayError ? error.sayHint(words) : undefined;
    const width = process.stderr.columns || Infinity;
    const lines = [
      ...wrapped(sayError(error)(words), "  ", width),
      ...issueLines(issues, words),
      ...(hint ? wrapped(`  ${words.cli.hint}: ${hint}`, "  ", width) : []),
    ];
    process.stderr.write(lines.map((line) => `${maskRecipients(line)}\n`).join(""));
  }
  return error instanceof RelayError ? error.exitCode : ExitCode.failed;
}
