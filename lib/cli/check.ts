/** `relay check` */

import type { Command } from "commander";
import type { Alert } from "../alert.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { paint } from "../log.ts";
import { inWords } from "../units.ts";
import { type ConfigOptions, print, verb } from "./shared.ts";
import { table } from "./terminal.ts";

export function checkVerb(): Command {
  return verb("check", "load and check the config, print the routing table", "config", "json")
    .addHelpText("after", "\nExit: 0 the config is sound, 78 it is not; every mistake is printed at once.")
    .action(async (options: ConfigOptions & { json?: boolean }) => {
      const loaded = await loadConfig(options.config);
      print(loaded.redact(options.json ? JSON.stringify(summary(loaded), null, 2) : lines(loaded).join("\n")));
    });
}

/** The config in short, without any secret. */
function summary({ file, config, warnings }: LoadedConfig) {
  return {
    ok: true,
    file,
    listen: config.listen,
    sources: config.sources.map(({ name, kind, path, secrets }) => ({ name, kind, path, secrets: secrets.length })),
    targets: [...config.targets.values()].map(({ name, kind, address }) => ({ name, kind, address })),
    routes: config.routes.map(({ on, to, when }) => ({ on, to, when: when !== undefined })),
    fallback: config.fallback ?? null,
    alerts: config.alerts,
    warnings,
  };
}

function lines(loaded: LoadedConfig): string[] {
  const { listen, sources, targets, routes, fallback, alerts, warnings } = summary(loaded);
  return [
    `${paint("green", "The config is sound:")} ${loaded.file}`,
    "",
    "Sources",
    ...table(sources.map(({ name, kind, path, secrets }) => [
      name,
      kind,
      `POST http://${listen.host}:${listen.port}${path}`,
      secrets === 1 ? "1 secret" : `${secrets} secrets`,
    ])),
    "",
    "Targets",
    ...table(targets.map(({ name, kind, address }) => [name, kind, address])),
    "",
    "Routes",
    ...table([
      ...routes.map(({ on, to, when }) => [on.join(", "), when ? "when …" : "", `→ ${to.join(", ")}`]),
      ["anything else", "", fallback ? `→ ${fallback}` : "is kept, goes nowhere"],
    ]),
    ...(alerts.length > 0 ? ["", "Alerts", ...table(alerts.map(alertCells))] : []),
    ...(warnings.length > 0 ? ["", paint("yellow", "Warnings")] : []),
    ...warnings.map(({ path, message }) => `  ${path}: ${message}`),
  ];
}

function alertCells(alert: Alert): string[] {
  const what = "dead" in alert ? `${alert.dead} or more dead letters` : `no event ${alert.silent}`;
  return [what, "dead" in alert ? "" : `for ${inWords(alert.forMs, "en")}`, `→ ${alert.to}`];
}
