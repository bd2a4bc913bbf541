/** `relay check` */

import type { Command } from "commander";
import type { Alert } from "../alert.ts";
import { storePlace, warningsNow } from "../store_place.ts";
import type { LoadedConfig } from "../config/load.ts";
import { isEverywhere, listenerUrl } from "../listener_url.ts";
import { inEnglish, type Phrase } from "../locale/phrase.ts";
import { paint } from "../log.ts";
import { summaryOf } from "../tls/certificate.ts";
import { type ConfigWarning, toldIn } from "../warnings.ts";
import { databaseReport } from "./database_report.ts";
import { locale, words as language } from "./language.ts";
import { configOf, type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { table, wrapped } from "./terminal.ts";
import { commandLine, numbered, standingOf, todoOf } from "./todo.ts";
import type { DatabaseReport } from "../store/postgres/report.ts";

export function checkVerb(): Command {
  const { about, help } = language.check;
  return verb("check", about, "config", "json")
    .addHelpText("after", help)
    .action(async (options: ConfigOptions & { json?: boolean }, command: Command) => {
      const found = await look(await configOf(options), command);
      if (options.json) printJson(summary(found), found.loaded.redact);
      else print(found.loaded.redact(lines(found).join("\n")));
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
  const warnings = [...warningsNow(loaded), ...(report?.warnings ?? []).map((warning) => ({ path: "store", warning }))];
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
    routes: config.routes.map(({ on, to, when }) => ({ on, to, when: when !== undefined })),
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
  const warnings = toldIn(locale, found.warnings);
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
      ...routes.map(({ on, to, when }) => [on.join(", "), when ? words.when : "", `→ ${to.join(", ")}`]),
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
    ...(warnings.length > 0 ? ["", paint("yellow", words.warnings)] : []),
    ...warnings.flatMap(({ path, message }) => wrapped(`  ${path}: ${message}`, "    ")),
    "",
    ...todoLines(found),
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
