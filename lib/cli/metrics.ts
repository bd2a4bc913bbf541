/** `relay metrics` */

import { type Command, Option } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { rulesFile } from "../monitoring/alerts.ts";
import { dashboard } from "../monitoring/dashboard.ts";
import { words } from "./language.ts";
import { print, printJson, verb } from "./shared.ts";

export function metricsVerb(): Command {
  const { metrics } = words.tools;
  return verb("metrics", metrics.about)
    .option("--alerts", metrics.alerts)
    .addOption(new Option("--grafana", metrics.grafana).conflicts("alerts"))
    .addHelpText("after", metrics.help)
    .action(({ alerts, grafana }: { alerts?: boolean; grafana?: boolean }) => {
      if (alerts) print(rulesFile().trimEnd());
      else if (grafana) printJson(dashboard());
      else {
        throw new RelayError(
          ({ tools }) => tools.metrics.neither,
          ({ tools }) => tools.metrics.hint,
          ExitCode.usage,
        );
      }
    });
}
