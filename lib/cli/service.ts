/** `relay service print|install|uninstall` */

import process from "node:process";
import type { Command } from "commander";
import {
  configFolder,
  dotenvWarnings,
  installService,
  stateFolder,
  type Step,
  uninstallService,
  unitPath,
} from "../service/install.ts";
import { paint } from "../log.ts";
import { servicePaths, unitText } from "../service/unit.ts";
import { locale, words } from "./language.ts";
import { print, printJson, verb } from "./shared.ts";

const { executable, name } = servicePaths;

export function serviceVerb(): Command {
  const { install } = words.service;
  return verb("service", words.service.about)
    .addCommand(
      verb("print", words.service.print, "json").action(({ json }: { json?: boolean }) => {
        if (json) printJson({ unit: unitText() });
        else process.stdout.write(unitText());
      }),
    )
    .addCommand(
      verb("install", install.about, "json")
        .option("--no-start", install.noStart)
        .addHelpText("after", installHelp())
        .action(({ start, json }: { start: boolean; json?: boolean }) => {
          const warnings = dotenvWarnings(json ? "en" : locale); // before anything is changed: an unreadable .env ends here
          const steps = installService({ start, locale });
          if (json) return printJson({ ok: true, steps, warnings });
          tell(steps);
          const { install } = words.service;
          if (warnings.length > 0) print("", paint("yellow", install.warnings), ...warnings.map((one) => `  ${one}`));
          print("", start ? install.started(name) : install.notStarted(name), install.afterwards(name));
        }),
    )
    .addCommand(
      verb("uninstall", words.service.uninstall, "json")
        .action(({ json }: { json?: boolean }) => tell(uninstallService(), json)),
    );
}

function installHelp(): string {
  const paths = [executable, configFolder, stateFolder, unitPath];
  const width = Math.max(...paths.map(({ length }) => length));
  const [binary, config, store, unit] = paths.map((path) => path.padEnd(width));
  return words.service.install.help(binary!, config!, store!, unit!, `systemctl edit ${name}`);
}

function tell(steps: Step[], asJson = false): void {
  if (asJson) return printJson({ ok: true, steps });
  const rows = steps.map(({ did, what }) => [words.service.did[did], what] as const);
  const width = Math.max(0, ...rows.map(([did]) => did.length));
  print(...rows.map(([did, what]) => `${did.padEnd(width)} ${what}`));
}
