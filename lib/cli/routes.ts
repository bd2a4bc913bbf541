/** `relay routes` */

import type { Command } from "commander";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { sampleNote } from "../connectvets/samples.ts";
import { ExitCode, RelayError } from "../errors.ts";
import { parsePayload, type Payload } from "../event.ts";
import { paint, visible } from "../log.ts";
import { incoming, preview } from "../operator/preview.ts";
import { eventBytes, print, sourceOf, type SourceOptions, verb } from "./shared.ts";
import { verdictWords } from "./words.ts";

interface Options extends SourceOptions {
  data?: string;
  render?: boolean;
}

export function routesVerb(): Command {
  return verb("routes", "tell where an event would go, and why; sends nothing", "config", "source", "json")
    .argument("[event]", "name of the event", "note.completed")
    .option(
      "--data <file>",
      "take the event from this file (- for standard input) instead of a sample; a `note` in it is the note in full",
    )
    .option("--render", "show what each target would be sent")
    .action(async (event: string, options: Options) => {
      const loaded = await loadConfig(options.config);
      const body = eventBytes(event, options.data);
      const parsed = parsePayload(body);
      if ("problem" in parsed) {
        throw new RelayError(`Cannot read the event: ${parsed.problem}`, undefined, ExitCode.failed);
      }
      const result = explain(loaded, body, parsed.payload, options);
      print(loaded.redact(options.json ? JSON.stringify(result, null, 2) : lines(result).join("\n")));
    });
}

function explain(loaded: LoadedConfig, body: Uint8Array, payload: Payload, options: Options) {
  const { config } = loaded;
  const note = options.data === undefined ? { note: sampleNote() } : {};
  const event = { ...incoming(sourceOf(loaded, options.source).name, body, payload, Date.now()), ...note };
  const { targets, verdicts, isFallback, problems, messages } = preview(event, config);
  const routes = config.routes.map(({ on, to }, index) => ({ on, to, verdict: verdicts[index]! }));
  return {
    event: payload.event,
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
        paint(verdict === "matched" ? "green" : "gray", verdictWords[verdict])
      }`
    ),
    ...result.problems.map((problem) => `  ${paint("yellow", problem)}`),
    ...(result.messages ?? []).flatMap((one) => [
      "",
      paint("bold", one.target),
      ...("problem" in one ? [`  ${paint("red", one.problem)}`] : fields(one.message)),
    ]),
  ];
}

function fields(message: Record<string, unknown>): string[] {
  return Object.entries(message).filter(([, value]) => value !== undefined).flatMap(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    return [`  ${name}:`, ...text.trimEnd().split("\n").map((line) => `    ${visible(line)}`)];
  });
}
