/** `relay demo` */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { startRelay } from "../demo/relay.ts";
import { type StepResult, tellStory } from "../demo/steps.ts";
import { type DemoTargets, startTargets } from "../demo/receivers.ts";
import { ExitCode } from "../errors.ts";
import { paint } from "../log.ts";
import { print, verb } from "./shared.ts";

/** Signs the demo's events; it protects nothing. */
const DEMO_SECRET = "demo-secret-of-no-value";

export function demoVerb(): Command {
  return verb("demo", "see relay at work on this machine, with no account anywhere")
    .option("--keep", "go on serving afterwards, until Ctrl-C")
    .action(demo);
}

async function demo({ keep }: { keep?: boolean }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "relay-demo-"));
  const targets = await startTargets(folder);
  try {
    const relay = await startRelay(folder, DEMO_SECRET, targets);
    try {
      printIntroduction(relay.url);
      const results = await tellStory(relay.url, DEMO_SECRET, targets, printStep);
      printArrivals(results);
      const failed = results.filter(({ isAsExpected }) => !isAsExpected);
      if (failed.length > 0) process.exitCode = ExitCode.failed;
      print(
        failed.length === 0
          ? paint("green", "Everything arrived where it had to, once, and nothing else did.")
          : paint("red", `Not as it should be: ${failed.map(({ title }) => title).join("; ")}`),
      );
      if (keep) await keepServing(relay.url, targets);
    } finally {
      await relay.stop();
    }
  } finally {
    await targets.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const columns = [28, 34] as const;

function printIntroduction(url: string): void {
  print(
    "A relay and four targets, all on this machine:",
    "  plantao  an endpoint that answers as Slack does    sistema  an HTTP server",
    "  equipe   a mail server                             arquivo  a shell script",
    "",
    `Sending to ${url}`,
    "",
    paint("bold", `${"sent".padEnd(columns[0])}${"answered".padEnd(columns[1])}arrived at`),
  );
}

function printStep({ title, actualStatus, actualAnswer, arrivals, isAsExpected }: StepResult): void {
  const answer = `${actualStatus} ${actualAnswer}`.padEnd(columns[1]);
  const places = arrivals.map(({ target }) => target).sort().join(", ") || "nowhere";
  print(
    title.padEnd(columns[0]) + paint(actualStatus === 200 ? "green" : "yellow", answer) +
      places + (isAsExpected ? "" : paint("red", "  not as expected")),
  );
}

function printArrivals(results: StepResult[]): void {
  print("", paint("bold", "What arrived"));
  for (const { target, excerpt } of results.flatMap(({ arrivals }) => arrivals)) {
    print(`${target.padEnd(9)}${excerpt}`);
  }
  print("");
}

/** Serves until the user ends it, and tells what arrives. */
async function keepServing(url: string, targets: DemoTargets): Promise<void> {
  print(
    "",
    "Still serving, until Ctrl-C. Try this in another terminal, and change the body as you like:",
    "",
    `  BODY='{"event":"note.failed","data":{"note_id":"42"}}'`,
    `  curl -X POST ${url} -d "$BODY" -H "Content-Type: application/json" \\`,
    `    -H "X-ConnectVets-Signature: sha256=$(printf %s "$BODY" | openssl dgst -sha256 -hmac ${DEMO_SECRET} -r | cut -d' ' -f1)"`,
    "",
  );
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  let seen = targets.arrivals().length;
  const watch = setInterval(() => {
    const arrivals = targets.arrivals();
    for (const { target, excerpt } of arrivals.slice(seen)) print(`${target.padEnd(9)}${excerpt}`);
    seen = arrivals.length;
  }, 100);
  await ended;
  clearInterval(watch);
}
