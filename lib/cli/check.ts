/** `relay check` */

import type { Command } from "commander";
import type { Alert } from "../alert.ts";
import { storePlace, warningsNow } from "../store_place.ts";
import type { LoadedConfig } from "../config/load.ts";
import { isEverywhere, listenerUrl } from "../listener_url.ts";
import { paint } from "../log.ts";
import { summaryOf } from "../tls/certificate.ts";
import { inWords } from "../units.ts";
import { type ConfigWarning, toldIn } from "../warnings.ts";
import { databaseReport } from "./database_report.ts";
import { locale, words as language } from "./language.ts";
import { configOf, type ConfigOptions, print, verb } from "./shared.ts";
import { table } from "./terminal.ts";
import type { DatabaseReport } from "../store/postgres/report.ts";

export function checkVerb(): Command {
  return verb("check", "check the config and print the routing table", "config", "json")
    .addHelpText(
      "after",
      "\nA store in PostgreSQL is looked at too; what is wrong there is a warning." +
        "\nExit: 0 if the config is valid, 78 if not; all mistakes are printed at once.",
    )
    .action(async (options: ConfigOptions & { json?: boolean }) => {
      const loaded = await configOf(options);
      const report = await databaseReport(loaded);
      const text = options.json ? JSON.stringify(summary(loaded, report), null, 2) : lines(loaded, report).join("\n");
      print(loaded.redact(text));
    });
}

/** Everything that an operator should know of a config. */
function warningsWith(loaded: LoadedConfig, report?: DatabaseReport): ConfigWarning[] {
  return [...warningsNow(loaded), ...(report?.warnings ?? []).map((warning) => ({ path: "store", warning }))];
}

/** The config in short, without any secret. */
function summary(loaded: LoadedConfig, report?: DatabaseReport) {
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
    warnings: toldIn("en", warningsWith(loaded, report)),
  };
}

function lines(loaded: LoadedConfig, report?: DatabaseReport): string[] {
  const { listen, sources, targets, routes, fallback, alerts, store } = summary(loaded);
  const { check: words } = language;
  const url = listenerUrl(listen.host, listen.port, listen.tls ? "https" : "http");
  const warnings = toldIn(locale, warningsWith(loaded, report));
  const aboutCells = (alert: Alert): [what: string, span: string] => {
    if ("dead" in alert) return [words.dead(alert.dead), ""];
    if ("silent" in alert) return [words.silent(alert.silent), words.for(inWords(alert.forMs, locale))];
    return [words.refused(alert.refused), words.within(inWords(alert.withinMs, locale))];
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
    ...warnings.map(({ path, message }) => `  ${path}: ${message}`),
  ];
}
