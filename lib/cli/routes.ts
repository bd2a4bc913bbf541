/** `relay routes` */

import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.ts";
import { sampleNote } from "../connectvets/samples.ts";
import { ExitCode, RelayError } from "../errors.ts";
import type { ReadableEvent } from "../event.ts";
import { paint, visible } from "../log.ts";
import { destinationLine } from "../operator/chains.ts";
import { incoming, type Preview, preview } from "../operator/preview.ts";
import { formatAt, locale, words } from "./language.ts";
import { configOf, print, printJson, readInput, sourceOf, type SourceOptions, verb } from "./shared.ts";
import { table, wrapped } from "./terminal.ts";

interface Options extends SourceOptions {
  data?: string;
  render?: boolean;
  html?: boolean;
}

export function routesVerb(): Command {
  const { about, options } = words.routes;
  return verb("routes", about, "config", "source", "json")
    .argument("[event]", options.event, "note.completed")
    .option("--data <file>", options.data)
    .option("--render", options.render)
    .option("--html", options.html)
    .action(async (event: string, options: Options) => {
      if (options.html && !options.render) {
        throw new RelayError(({ routes }) => routes.htmlAlone, undefined, ExitCode.usage);
      }
      const loaded = await configOf(options);
      const data = options.data === undefined ? undefined : readInput(options.data);
      const found = incoming(sourceOf(loaded, options.source), event, Date.now(), data);
      if ("problem" in found) throw new RelayError(({ routes }) => routes.cannotRead(found.problem.in(locale)));
      const result = explain(loaded, data ? found : { ...found, note: sampleNote() }, options);
      if (options.json) printJson(result, loaded.redact);
      else print(loaded.redact(lines(result, options.html).join("\n")));
    });
}

function explain({ config }: LoadedConfig, event: ReadableEvent, options: Options) {
  const { targets, chains, verdicts, isFallback, problems, messages } = preview(event, config);
  const routes = config.routes.map(({ on, to, chains = [] }, index) => ({ on, to, chains, verdict: verdicts[index]! }));
  return {
    event: event.type,
    targets,
    chains,
    isFallback,
    routes,
    problems,
    messages: options.render ? messages : undefined,
  };
}

type Result = ReturnType<typeof explain>;

function lines(
  { event, targets, chains, isFallback, routes, problems, messages = [] }: Result,
  asHtml?: boolean,
): string[] {
  const { routes: said, pages: { verdicts } } = words;
  const format = formatAt(Date.now());
  const goesTo = paint(
    "bold",
    targets.length === 0 ? said.nowhere : destinationLine({ targets, chains }, words.pages, format),
  );
  return [
    said.goesTo(visible(event), isFallback ? `${goesTo} (${said.fallback})` : goesTo),
    ...table(routes.map(({ on, to, chains, verdict }, index) => [
      `routes[${index}]`,
      `${on.join(", ")} → ${destinationLine({ targets: to, chains }, words.pages, format)}: ${
        paint(verdict === "matched" ? "green" : "gray", verdicts[verdict])
      }`,
    ])),
    ...problems.flatMap((problem) => wrapped(`  ${paint("yellow", visible(problem.in(locale)))}`, "  ")),
    ...messages.flatMap((one) => ["", paint("bold", one.target), ...messageLines(one, asHtml)]),
  ];
}

/** What a person reads of a message; of an email the HTML as it is, where that is asked for. */
function messageLines(one: Preview, asHtml = false): string[] {
  if ("problem" in one) return [`  ${paint("red", visible(one.problem.in(locale)))}`];
  const { html, text } = one.message;
  if (asHtml && typeof html === "string") return html.trimEnd().split("\n").map(visible);
  // The text says all that the HTML and the blocks do.
  const beside = text === undefined ? [] : ["html", "blocks"];
  const fields = Object.entries(one.message).filter(([name, value]) => value !== undefined && !beside.includes(name));
  return fields.flatMap(([name, value]) => {
    const lines = valueLines(value);
    const title = paint("gray", `${words.routes.fields[name] ?? name}:`);
    if (fields.length === 1) return lines.map((line) => `  ${line}`.trimEnd());
    return lines.length === 1
      ? [`  ${title} ${lines[0]}`]
      : [`  ${title}`, ...lines.map((line) => `    ${line}`.trimEnd())];
  });
}

/** A value as a person reads it; a text that holds JSON is JSON. */
function valueLines(value: unknown): string[] {
  const text = typeof value === "string" ? indented(value) : JSON.stringify(value, null, 2);
  return text.trimEnd().split("\n").map(visible);
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
