/** `relay test` */

import process from "node:process";
import type { Command } from "commander";
import { diffLines } from "diff";
import type { LoadedConfig } from "../config/load.ts";
import { noteOf } from "../connectvets/note.ts";
import { ExitCode, RelayError } from "../errors.ts";
import { paint, visible } from "../log.ts";
import { type Difference, recordFixture, type Tested, testFixture, unhit, UNROUTED } from "../operator/fixture.ts";
import { isSystem } from "../system_event.ts";
import { readable } from "../sources/view.ts";
import { type NamedFixture, readFixtureFiles, writeFixture } from "./fixture_files.ts";
import { locale, words } from "./language.ts";
import { configOf, type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { idsOf } from "./ids.ts";
import { fromStore } from "./store.ts";
import { table } from "./terminal.ts";

interface Options extends ConfigOptions {
  record?: string;
  out?: string;
  json?: boolean;
}

export function testVerb(): Command {
  const { about, files, record, out, help } = words.fixtures.test;
  return verb("test", about, "config", "json")
    .argument("[file...]", files)
    .option("--record <id>", record)
    .option("--out <file>", out)
    .addHelpText("after", help)
    .action(async (files: string[], options: Options) => {
      checkUsage(files, options);
      if (options.record !== undefined) await recordFrom(options.record, options);
      else runTests(files, await configOf(options), options);
    });
}

function checkUsage(files: string[], { record, out }: Options): void {
  const problem = record !== undefined && files.length > 0
    ? "recordAlone"
    : record === undefined && files.length === 0
    ? "noFiles"
    : record === undefined && out !== undefined
    ? "outAlone"
    : undefined;
  if (problem === undefined) return;
  throw new RelayError(
    ({ fixtures: { test } }) => test.cannot(test[problem]),
    ({ fixtures }) => fixtures.test.seeHelp,
    ExitCode.usage,
  );
}

type Result = NamedFixture & { tested: Tested };

function runTests(files: string[], loaded: LoadedConfig, options: Options): void {
  const { config, redact } = loaded;
  const results = readFixtureFiles(files).map((one) => ({ ...one, tested: testFixture(one.fixture, config, redact) }));
  if (options.json) printJson(summary(results, loaded), redact);
  else print(redact(lines(results, loaded).join("\n")));
  if (results.some(isFailed)) process.exitCode = ExitCode.failed;
}

function isFailed({ tested }: Result): boolean {
  return tested.differences.length > 0;
}

function summary(results: Result[], { config }: LoadedConfig) {
  const failed = results.filter(isFailed).length;
  const { routes, fallback } = unhit(results.map(({ tested }) => tested), config);
  return {
    passed: results.length - failed,
    failed,
    fixtures: results.map((one) => ({
      file: one.file,
      name: one.fixture.name ?? null,
      event: one.fixture.event.event,
      ok: !isFailed(one),
      targets: one.tested.targets,
      differences: one.tested.differences,
      problems: one.tested.problems,
    })),
    unhit: {
      routes: routes.map((index) => ({ index, on: config.routes[index]!.on, to: config.routes[index]!.to })),
      fallback: fallback ? config.fallback : null,
    },
  };
}

function lines(results: Result[], loaded: LoadedConfig): string[] {
  const { passed, failed, unhit } = summary(results, loaded);
  const { test: said } = words.fixtures;
  const idle = [
    ...unhit.routes.map(({ index, on, to }) => [`routes[${index}]`, on.join(", "), `→ ${to.join(", ")}`]),
    ...(unhit.fallback ? [["fallback", said.anythingElse, `→ ${unhit.fallback}`]] : []),
  ];
  return [
    ...results.flatMap(resultLines),
    ...(idle.length > 0 ? ["", paint("yellow", said.unhit), ...table(idle)] : []),
    "",
    `${paint("green", said.passed(passed))}, ${paint(failed > 0 ? "red" : "green", said.failed(failed))}${
      failed > 0 ? paint("gray", `  ${said.legend}`) : ""
    }`,
  ];
}

function resultLines(result: Result): string[] {
  const { name, fixture, tested } = result;
  const goesTo = tested.targets.join(", ") || words.fixtures.test.noTarget;
  return [
    `${isFailed(result) ? paint("red", "✗") : paint("green", "✓")} ${visible(name)} ${
      paint("gray", visible(`(${fixture.event.event} → ${goesTo})`))
    }`,
    ...tested.problems.map((problem) => `    ${paint("yellow", visible(problem.in(locale)))}`),
    ...tested.differences.flatMap(differenceLines),
  ];
}

function differenceLines({ path, expected, actual, problem }: Difference): string[] {
  const text = path === "targets" ? targetsOf : textOf;
  const changes = problem !== undefined && actual === undefined ? [] : diffLines(text(expected), text(actual));
  return [
    `    ${paint("bold", path)}${problem ? `: ${paint("red", visible(problem.in(locale)))}` : ""}`,
    ...changes.flatMap(({ value, added, removed }) =>
      value.replace(/\n$/, "").split("\n").map((line) => {
        const shown = visible(line);
        return added ? paint("green", `    + ${shown}`) : removed ? paint("red", `    - ${shown}`) : `      ${shown}`;
      })
    ),
  ];
}

/** A value to be compared line by line. */
function textOf(value: unknown): string {
  if (value === undefined) return "";
  return `${typeof value === "string" ? value : JSON.stringify(value, null, 2)}\n`;
}

/** Targets as they are compared: one a line. */
function targetsOf(names: unknown): string {
  const lines = (names as string[]).map((name) => `${name}\n`);
  return lines.join("") || `${UNROUTED}\n`;
}

async function recordFrom(text: string, options: Options): Promise<void> {
  const { fixture, problems, redact } = await recorded(text, options);
  for (const problem of problems) process.stderr.write(`${paint("yellow", visible(problem.in(locale)))}\n`);
  if (options.out === undefined) return printJson(fixture, redact);
  writeFixture(options.out, `${redact(JSON.stringify(fixture, null, 2))}\n`);
  if (options.json) printJson({ file: options.out, problems: problems });
  else print(words.fixtures.test.wrote(options.out));
}

function recorded(text: string, options: Options) {
  return fromStore(options, async ({ store, loaded }) => {
    const [id] = await idsOf(store, [text]);
    const story = await store.story(id!);
    if (!story) throw new RelayError(({ fixtures }) => fixtures.test.noSuchId(visible(text)));
    if (isSystem(story)) throw new RelayError(({ fixtures }) => fixtures.test.systemEvent(visible(text)));
    const note = story.details?.data && noteOf(JSON.parse(new TextDecoder().decode(story.details.data)));
    const stored = { ...story, receivedAt: Date.parse(story.receivedAt), note: note || undefined };
    const event = readable(stored, loaded.config.sources);
    return { ...recordFixture(event, loaded.config, loaded.redact), redact: loaded.redact };
  });
}
