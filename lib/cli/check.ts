/** `relay check` */

import { readFileSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import type { Alert } from "../alert.ts";
import { storePlace, warningsNow } from "../store_place.ts";
import type { LoadedConfig } from "../config/load.ts";
import { isEverywhere, listenerUrl } from "../listener_url.ts";
import { inEnglish, type Phrase } from "../locale/phrase.ts";
import { paint } from "../log.ts";
import { destinationLine } from "../operator/chains.ts";
import { sampleWarnings } from "../operator/sample_warnings.ts";
import { summaryOf } from "../tls/certificate.ts";
import { type ConfigWarning, issueOf, toldIn } from "../warnings.ts";
import { databaseReport } from "./database_report.ts";
import { issueLines } from "./issue_lines.ts";
import { formatAt, words as language } from "./language.ts";
import { configOf, type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { table } from "./terminal.ts";
import { commandLine, numbered, standingOf, todoOf } from "./todo.ts";
import type { DatabaseReport } from "../store/postgres/report.ts";

export function checkVerb(): Command {
  const { about, help } = language.check;
  return verb("check", about, "config", "json")
    .addHelpText("after", help)
    .action(async (options: ConfigOptions & { json?: boolean }, command: Command) => {
      const found = await look(await configOf(options), command);
      if (options.json) return printJson(summary(found), found.loaded.redact);
      print(found.loaded.redact([...lines(found), ...await warningLines(found), "", ...todoLines(found)].join("\n")));
    });
}

/** A config, and everything that an operator should know about it. */
interface Found {
  loaded: LoadedConfig;
  report?: DatabaseReport;
  warnings: ConfigWarning[];
  /** What is left to do, in order. */
  todo: Phrase[];
  /** Why it is not known whether the relay runs. */
  problem?: Phrase;
}

async function look(loaded: LoadedConfig, command: Command): Promise<Found> {
  const report = await databaseReport(loaded);
  const warnings = [
    ...warningsNow(loaded),
    ...sampleWarnings(loaded.config, Date.now()),
    ...(report?.warnings ?? []).map((warning) => ({ path: "store", warning })),
  ];
  const standing = await standingOf(loaded, report);
  const isKnown = !("problem" in standing);
  const todo = todoOf(loaded, warnings, isKnown ? standing : undefined, commandsFor(command));
  return { loaded, report, warnings, todo, problem: isKnown ? undefined : standing.problem };
}

/** Gives the command lines of other verbs for the config that this one was given. */
function commandsFor(command: Command): (...args: string[]) => string {
  const isGiven = command.getOptionValueSource("config") === "cli";
  return (...args) => commandLine(args, isGiven ? command.opts<ConfigOptions>().config : undefined);
}

/** The config in short, without any secret. */
function summary({ loaded, report, warnings, todo }: Found) {
  const { file, config } = loaded;
  const { host, port, tls } = config.listen;
  return {
    ok: true,
    file,
    listen: { host, port, tls: tls ? summaryOf(tls.cert) : null },
    sources: config.sources.map(({ name, kind, path, secrets }) => ({ name, kind, path, secrets: secrets.length })),
    targets: [...config.targets.values()].map(({ name, kind, address }) => ({ name, kind, address })),
    routes: config.routes.map(({ on, to, chains = [], when }) => ({ on, to, chains, when: when !== undefined })),
    fallback: config.fallback ?? null,
    alerts: config.alerts,
    store: storePlace(loaded).shown,
    ...(report ? { database: { server: report.server ?? null, schema: report.schema ?? null } } : {}),
    warnings: toldIn("en", warnings),
    todo: todo.map(inEnglish),
  };
}

function lines(found: Found): string[] {
  const { loaded, report } = found;
  const { listen, sources, targets, routes, fallback, alerts, store } = summary(found);
  const { check: words, forms } = language;
  const url = listenerUrl(listen.host, listen.port, listen.tls ? "https" : "http");
  const aboutCells = (alert: Alert): [what: string, span: string] => {
    if ("dead" in alert) return [words.dead(alert.dead), ""];
    if ("silent" in alert) return [words.silent(alert.silent), words.for(forms.duration(alert.forMs))];
    return [words.refused(alert.refused), words.within(forms.duration(alert.withinMs))];
  };
  return [
    `${paint("green", words.sound)} ${loaded.file}`,
    "",
    isEverywhere(listen.host) ? `${words.sources} (${words.everywhere})` : words.sources,
    ...table(sources.map(({ name, kind, path, secrets }) => [
      name,
      kind,
      `POST ${url}${path}`,
      words.secrets(secrets),
    ])),
    ...(listen.tls
      ? ["", words.certificate, ...table([[listen.tls.names.join(", "), words.until(listen.tls.validTo.slice(0, 10))]])]
      : []),
    "",
    words.targets,
    ...table(targets.map(({ name, kind, address }) => [name, kind, address])),
    "",
    words.routes,
    ...table([
      ...routes.map(({ on, to, chains, when }) => [
        on.join(", "),
        when ? words.when : "",
        `→ ${destinationLine({ targets: to, chains }, language.pages, formatAt(Date.now()))}`,
      ]),
      [words.anythingElse, "", fallback ? `→ ${fallback}` : words.goesNowhere],
    ]),
    ...(report
      ? [
        "",
        words.store,
        ...table([[store, report.server ?? "", report.schema === undefined ? "" : words.schema(report.schema)]]),
      ]
      : []),
    ...(alerts.length > 0
      ? ["", words.alerts, ...table(alerts.map((alert) => [...aboutCells(alert), `→ ${alert.to}`]))]
      : []),
  ];
}

/** Each warning; one about a pattern with its line of the config, since others are about what the config names. */
async function warningLines({ loaded, warnings }: Found): Promise<string[]> {
  if (warnings.length === 0) return [];
  const { redacted, withPlaces } = await import("../config/written/source.ts"); // with a parser
  const issues = warnings.map(issueOf).map((one) => ({ ...one, message: redacted(one.message, loaded.redact) }));
  const about = Map.groupBy(issues, ({ path }) => /^(routes|alerts)\W/.test(path));
  const text = readFileSync(loaded.file, "utf8").replace(/^\ufeff/, "");
  const placed = await withPlaces(loaded.file, text, about.get(true) ?? [], loaded.redact);
  const width = process.stdout.columns || Infinity;
  return [
    "",
    paint("yellow", language.check.warnings),
    ...issueLines([...about.get(false) ?? [], ...placed], language, width),
  ];
}

function todoLines({ todo, problem }: Found): string[] {
  const { todo: words } = language.check;
  if (todo.length === 0 && !problem) return [paint("green", words.nothing)];
  return [
    ...(todo.length > 0 ? [paint("bold", words.title), ...numbered(todo)] : []),
    ...(problem ? [words.unknown(problem(language))] : []),
  ];
}
