/** `relay routes` */

import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { sampleNote } from "../connectvets/samples.ts";
import { ExitCode, RelayError } from "../errors.ts";
import type { ReadableEvent } from "../event.ts";
import { paint, visible } from "../log.ts";
import { incoming, preview } from "../operator/preview.ts";
import { locale } from "./language.ts";
import { configOf, print, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";
import { words } from "./language.ts";

interface Options extends SourceOptions {
  data?: string;
  render?: boolean;
}

export function routesVerb(): Command {
  return verb("routes", "show where an event would go, and why; sends nothing", "config", "source", "json")
    .argument("[event]", "name of the event", "note.completed")
    .option(
      "--data <file>",
      "take the event from this file (- for standard input) instead of a sample; a `note` in it is the note in full",
    )
    .option("--render", "show what each target would be sent")
    .action(async (event: string, options: Options) => {
      const loaded = await configOf(options);
      const data = options.data === undefined ? undefined : readInput(options.data);
      const found = incoming(sourceOf(loaded, options.source), event, Date.now(), data);
      if ("problem" in found) {
        throw new RelayError(`Cannot read the event: ${found.problem}`, undefined, ExitCode.failed);
      }
      const result = explain(loaded, data ? found : { ...found, note: sampleNote() }, options);
      print(loaded.redact(options.json ? JSON.stringify(result, null, 2) : lines(result).join("\n")));
    });
}

function explain({ config }: LoadedConfig, event: ReadableEvent, options: Options) {
  const { targets, verdicts, isFallback, problems, messages } = preview(event, config);
  const routes = config.routes.map(({ on, to }, index) => ({ on, to, verdict: verdicts[index]! }));
  return {
    event: event.type,
    targets,
    isFallback,
    routes,
    problems,
    messages: options.render ? messages : undefined,
  };
}

function lines(result: ReturnType<typeof explain>): string[] {
  const goesTo = result.targets.length === 0 ? "no target: it is kept as unrouted" : result.targets.join(", ");
  return [
    `${visible(result.event)} goes to ${paint("bold", goesTo)}${
      result.isFallback ? " (the fallback: no route matches)" : ""
    }`,
    ...result.routes.map(({ on, to, verdict }, index) =>
      `  routes[${index}]  ${on.join(", ")} → ${to.join(", ")}: ${
        paint(verdict === "matched" ? "green" : "gray", words.pages.verdicts[verdict])
      }`
    ),
    ...result.problems.map((problem) => `  ${paint("yellow", problem.in(locale))}`),
    ...(result.messages ?? []).flatMap((one) => [
      "",
      paint("bold", one.target),
      ...("problem" in one ? [`  ${paint("red", one.problem.in(locale))}`] : fields(one.message)),
    ]),
  ];
}

function fields(message: Record<string, unknown>): string[] {
  return Object.entries(message).filter(([, value]) => value !== undefined).flatMap(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    return [`  ${name}:`, ...text.trimEnd().split("\n").map((line) => `    ${visible(line)}`)];
  });
}
