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
import { locale } from "./language.ts";
import { configOf, type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { idsOf } from "./ids.ts";
import { fromStore } from "./store.ts";
import { table } from "./terminal.ts";

interface Options extends ConfigOptions {
  record?: string;
  out?: string;
  json?: boolean;
}

const help = `
A file holds one fixture or a list of them, as JSON; of a directory, every *.json in it is taken. A fixture:

  {
    "name": "a failed note calls the night shift",
    "event": { "event": "note.failed", "timestamp": "2026-01-31T02:10:00Z", "data": { "note_id": "N1", "status": "failed" } },
    "expect": {
      "targets": ["plantao", "sistema"],
      "messages": { "plantao": { "text": "Nota N1: note.failed" }, "sistema": "as received" }
    }
  }

  event       the payload
  expect      "unrouted", or one or both of
    targets   every target that it goes to, in any order
    messages  for any of them, the fields to compare (what \`relay routes --render\` shows, as a whole value each);
              "as received" for an HTTP target that is sent the event itself
  name        optional: what it is called
  note        optional: the note in full, as ConnectVets' API gives it, for messages of routes and targets with \`enrich\`
  source      optional: the source that it comes in by
  receivedAt  optional: when it comes in, ISO 8601; 2026-01-01T00:00:00Z unless it is given. A default message shows it
              where the event has no "timestamp". Nothing else in a message depends on when or where it is tested,
              unless a function of the config reads a clock: then compare other fields.

A message that cannot be made fails its fixture. Secrets of the config are "[secret]" in what is compared and recorded.

--json: { passed, failed, fixtures: [{ file, name, event, ok, targets, differences: [{ path, expected, actual, problem }],
problems }], unhit: { routes: [{ index, on, to }], fallback } }; \`unhit\` is what no fixture ever comes by.
With --record, the fixture; with --out as well: { file, problems }.

Exit: 0 all passed, 1 some did not (or what is to be recorded is not there), 2 fixtures that cannot be read, 78 the config.`;

export function testVerb(): Command {
  return verb(
    "test",
    "test the config against fixtures, events with the results to expect; sends nothing",
    "config",
    "json",
  )
    .argument("[file...]", "files of fixtures, or directories of them")
    .option("--record <id>", "print a fixture of this stored event, with what the config makes of it now")
    .option("--out <file>", "with --record: write it to this file, which must not be there yet")
    .addHelpText("after", help)
    .action(async (files: string[], options: Options) => {
      checkUsage(files, options);
      if (options.record !== undefined) await record(options.record, options);
      else runTests(files, await configOf(options), options);
    });
}

function checkUsage(files: string[], { record, out }: Options): void {
  const problem = record !== undefined && files.length > 0
    ? "--record takes no files of fixtures; --out names the one to write"
    : record === undefined && files.length === 0
    ? "there is no file named, nor --record"
    : record === undefined && out !== undefined
    ? "--out goes with --record"
    : undefined;
  if (problem) throw new RelayError(`Cannot test: ${problem}`, "see `relay test --help`", ExitCode.usage);
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
  const idle = [
    ...unhit.routes.map(({ index, on, to }) => [`routes[${index}]`, on.join(", "), `→ ${to.join(", ")}`]),
    ...(unhit.fallback ? [["fallback", "anything else", `→ ${unhit.fallback}`]] : []),
  ];
  return [
    ...results.flatMap(resultLines),
    ...(idle.length > 0 ? ["", paint("yellow", "No fixture ever comes by"), ...table(idle)] : []),
    "",
    `${paint("green", `${passed} passed`)}, ${paint(failed > 0 ? "red" : "green", `${failed} failed`)}${
      failed > 0 ? paint("gray", "  (- expected, + what comes of it)") : ""
    }`,
  ];
}

function resultLines(result: Result): string[] {
  const { name, fixture, tested } = result;
  const goesTo = tested.targets.join(", ") || "no target";
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

async function record(text: string, options: Options): Promise<void> {
  const { fixture, problems, redact } = await recorded(text, options);
  for (const problem of problems) process.stderr.write(`${paint("yellow", visible(problem.in(locale)))}\n`);
  if (options.out === undefined) return printJson(fixture, redact);
  writeFixture(options.out, `${redact(JSON.stringify(fixture, null, 2))}\n`);
  if (options.json) printJson({ file: options.out, problems });
  else print(`Wrote ${options.out}`);
}

function recorded(text: string, options: Options) {
  return fromStore(options, async ({ store, loaded }) => {
    const [id] = await idsOf(store, [text]);
    const story = await store.story(id!);
    if (!story) throw new RelayError(`Cannot record: no event and no delivery has the id ${visible(text)}`);
    if (isSystem(story)) {
      throw new RelayError(`Cannot record ${visible(text)}: it is relay's own, no route is asked for it`);
    }
    const note = story.details?.data && noteOf(JSON.parse(new TextDecoder().decode(story.details.data)));
    const stored = { ...story, receivedAt: Date.parse(story.receivedAt), note: note || undefined };
    const event = readable(stored, loaded.config.sources);
    return { ...recordFixture(event, loaded.config, loaded.redact), redact: loaded.redact };
  });
}
