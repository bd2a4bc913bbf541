/** The command line: one file a verb. */

import process from "node:process";
import { type Command, CommanderError, Option } from "commander";
import { ConfigError, ExitCode, FixtureError, issueJson, messageOf, RelayError, sayError } from "../errors.ts";
import { localeNames } from "../locale/mod.ts";
import { VERSION } from "../version.ts";
import { Verb } from "./command.ts";
import { issueLines } from "./issue_lines.ts";
import { chooseLanguage, speakAs, words } from "./language.ts";

/** Loaded when they are asked for: `serve` needs little of what the others do. */
const verbs: Record<string, () => Promise<Command>> = {
  init: async () => (await import("./init.ts")).initVerb(),
  check: async () => (await import("./check.ts")).checkVerb(),
  serve: async () => (await import("./serve.ts")).serveVerb(),
  status: async () => (await import("./status.ts")).statusVerb(),
  events: async () => (await import("./events.ts")).eventsVerb(),
  retry: async () => (await import("./retry.ts")).retryVerb(),
  replay: async () => (await import("./replay.ts")).replayVerb(),
  pause: async () => (await import("./pause.ts")).pauseVerb(),
  resume: async () => (await import("./resume.ts")).resumeVerb(),
  send: async () => (await import("./send.ts")).sendVerb(),
  sign: async () => (await import("./sign.ts")).signVerb(),
  verify: async () => (await import("./verify.ts")).verifyVerb(),
  routes: async () => (await import("./routes.ts")).routesVerb(),
  test: async () => (await import("./test.ts")).testVerb(),
  diff: async () => (await import("./diff.ts")).diffVerb(),
  backup: async () => (await import("./backup.ts")).backupVerb(),
  restore: async () => (await import("./restore.ts")).restoreVerb(),
  migrate: async () => (await import("./migrate.ts")).migrateVerb(),
  copy: async () => (await import("./copy.ts")).copyVerb(),
  service: async () => (await import("./service.ts")).serviceVerb(),
  metrics: async () => (await import("./metrics.ts")).metricsVerb(),
  demo: async () => (await import("./demo.ts")).demoVerb(),
  completions: async () => (await import("./completions.ts")).completionsVerb(),
  version: async () => (await import("./version.ts")).versionVerb(),
};

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
  for (const load of Object.hasOwn(verbs, asked) ? [verbs[asked]!] : Object.values(verbs)) {
    const command = await load();
    program.addCommand(command, { hidden: command.name() === "copy" });
  }
  return program;
}

/** Runs the command line and sets the exit code. Whatever fails is told in words. */
export async function main(args: readonly string[]): Promise<void> {
  chooseLanguage(args);
  const [verb] = args;
  const program = await createProgram(verb === "completions" ? undefined : verb); // which tells of all verbs
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
    process.stderr.write(`${sayError(error)(words)}\n`);
    for (const line of issueLines(issues, words)) process.stderr.write(`${line}\n`);
    if (hint) process.stderr.write(`  ${words.cli.hint}: ${hint}\n`);
  }
  return error instanceof RelayError ? error.exitCode : ExitCode.failed;
}
