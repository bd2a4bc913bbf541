/** The command line: one file a verb. */

import process from "node:process";
import { Command, CommanderError } from "commander";
import { ConfigError, ExitCode, FixtureError, messageOf, RelayError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { checkVerb } from "./check.ts";
import { demoVerb } from "./demo.ts";
import { diffVerb } from "./diff.ts";
import { eventsVerb } from "./events.ts";
import { initVerb } from "./init.ts";
import { metricsVerb } from "./metrics.ts";
import { pauseVerb } from "./pause.ts";
import { replayVerb } from "./replay.ts";
import { resumeVerb } from "./resume.ts";
import { retryVerb } from "./retry.ts";
import { routesVerb } from "./routes.ts";
import { sendVerb } from "./send.ts";
import { serveVerb } from "./serve.ts";
import { serviceVerb } from "./service.ts";
import { signVerb } from "./sign.ts";
import { statusVerb } from "./status.ts";
import { testVerb } from "./test.ts";
import { verifyVerb } from "./verify.ts";
import { versionVerb } from "./version.ts";

const verbs = [
  initVerb,
  checkVerb,
  serveVerb,
  statusVerb,
  eventsVerb,
  retryVerb,
  replayVerb,
  pauseVerb,
  resumeVerb,
  sendVerb,
  signVerb,
  verifyVerb,
  routesVerb,
  testVerb,
  diffVerb,
  metricsVerb,
  serviceVerb,
  demoVerb,
  versionVerb,
];

/** The command line, with all of its verbs. */
export function createProgram(): Command {
  const program = new Command("relay")
    .description("Receives ConnectVets webhooks, stores them, and delivers them to Slack, email, HTTP or a script.")
    .version(VERSION)
    .addHelpText(
      "after",
      "\nStart here:\n  relay demo             see it at work, with no account anywhere\n  relay init my-relay    write a config to edit",
    )
    .exitOverride();
  for (const verb of verbs) {
    const command = verb();
    command.copyInheritedSettings(program);
    program.addCommand(command);
  }
  return program;
}

/** Runs the command line and sets the exit code. Whatever fails is told in words. */
export async function main(args: readonly string[]): Promise<void> {
  const program = createProgram();
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
  process.stderr.write(`Cannot write the output: ${messageOf(error)}\n`);
}

/** Tells an error to a person, or to a script under `--json`, and gives the exit code. */
function report(error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage; // already printed
  const issues = error instanceof ConfigError || error instanceof FixtureError ? error.issues : [];
  const hint = error instanceof RelayError ? error.hint : undefined;
  if (asJson) {
    process.stdout.write(JSON.stringify({ ok: false, error: messageOf(error), hint, issues }, null, 2) + "\n");
  } else {
    process.stderr.write(`${messageOf(error)}\n`);
    for (const { path, message } of issues) process.stderr.write(`  ${path ? `${path}: ` : ""}${message}\n`);
    if (hint) process.stderr.write(`  hint: ${hint}\n`);
  }
  return error instanceof RelayError ? error.exitCode : ExitCode.failed;
}
