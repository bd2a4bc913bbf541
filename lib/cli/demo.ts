/** `relay demo` */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Command, Help } from "commander";
import { type Arrival, type DemoTargets, startTargets } from "../demo/receivers.ts";
import { startRelay } from "../demo/relay.ts";
import { type StepResult, tellStory } from "../demo/steps.ts";
import { ExitCode } from "../errors.ts";
import { paint } from "../log.ts";
import { locale, words } from "./language.ts";
import { print, verb } from "./shared.ts";
import { table } from "./terminal.ts";

/** Signs the demo's events; it protects nothing. */
const DEMO_SECRET = "demo-secret-of-no-value";

export function demoVerb(): Command {
  return verb("demo", words.demo.about)
    .option("--keep", words.demo.keep)
    .action(demo);
}

async function demo({ keep }: { keep?: boolean }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "relay-demo-"));
  const targets = await startTargets(folder);
  try {
    const relay = await startRelay(folder, DEMO_SECRET, targets, locale);
    try {
      printIntroduction(relay.url);
      const results = await tellStory(relay.url, DEMO_SECRET, targets, printStep);
      print("", paint("bold", words.demo.arrivals));
      for (const arrival of results.flatMap(({ arrivals }) => arrivals)) printArrival(arrival);
      printEnd(results);
      if (keep) await keepServing(relay.url, targets);
      else printNext();
    } finally {
      await relay.stop();
    }
  } finally {
    await targets.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the first two columns; a longer answer goes on into the third. */
const columns = [28, 24] as const;

function printIntroduction(url: string): void {
  const { demo } = words;
  print(
    demo.intro,
    "",
    ...table(Object.entries(demo.targets)),
    "",
    demo.routes,
    "",
    ...table([
      ["note.failed", "→ plantao, equipe"],
      [demo.withReference("note.*"), "→ sistema"],
      [demo.anythingElse, "→ arquivo"],
    ]),
    "",
    demo.sending(url),
    "",
    "  " + paint(
      "bold",
      demo.columns.request.padEnd(columns[0]) + demo.columns.answer.padEnd(columns[1]) + demo.columns.arrived,
    ),
  );
}

function printStep({ title, actualStatus, actualAnswer, arrivals, isAsExpected }: StepResult): void {
  const answer = `${`${actualStatus} ${actualAnswer}`.padEnd(columns[1] - 2)}  `;
  const places = arrivals.map(({ target }) => target).sort().join(", ") || words.demo.nowhere;
  print(
    "  " + title(words).padEnd(columns[0]) + paint(actualStatus === 200 ? "green" : "yellow", answer) + places +
      (isAsExpected ? "" : paint("red", `  ${words.demo.notExpected}`)),
  );
}

/** Widest name of a target, and what stands before and after it. */
const MARGIN = 11;

function printArrival({ target, excerpt }: Arrival): void {
  const width = (process.stdout.columns || Infinity) - MARGIN;
  const text = new Help().boxWrap(excerpt(words), width);
  print(`  ${target.padEnd(MARGIN - 2)}${text.replaceAll("\n", `\n${" ".repeat(MARGIN)}`)}`);
}

function printEnd(results: StepResult[]): void {
  const bad = results.filter(({ isAsExpected }) => !isAsExpected).map(({ title }) => title(words));
  if (bad.length > 0) process.exitCode = ExitCode.failed;
  print("", bad.length === 0 ? paint("green", words.demo.good) : paint("red", words.demo.bad(bad)));
}

function printNext(): void {
  const { demo } = words;
  print(
    "",
    paint("bold", demo.next),
    ...table([["relay init my-relay", demo.nextInit], ["relay demo --keep", demo.nextKeep]]),
  );
}

/** Serves until the user stops it, and shows what arrives. */
async function keepServing(url: string, targets: DemoTargets): Promise<void> {
  print(
    "",
    words.demo.serving,
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
    for (const arrival of arrivals.slice(seen)) printArrival(arrival);
    seen = arrivals.length;
  }, 100);
  await ended;
  clearInterval(watch);
}
