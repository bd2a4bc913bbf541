/** `relay metrics` */

import { type Command, Option } from "commander";
import { ExitCode, RelayError } from "../errors.ts";
import { rulesFile } from "../monitoring/alerts.ts";
import { dashboard } from "../monitoring/dashboard.ts";
import { print, printJson, verb } from "./shared.ts";

export function metricsVerb(): Command {
  return verb("metrics", "print what Prometheus and Grafana need to watch the relay")
    .option("--alerts", "alert rules for Prometheus, as YAML")
    .addOption(new Option("--grafana", "dashboard for Grafana, as JSON").conflicts("alerts"))
    .addHelpText(
      "after",
      "\nThe metrics themselves are at /metrics of the admin listener." +
        "\n  relay metrics --alerts > relay.rules.yml     name the file under `rule_files` in prometheus.yml" +
        "\n  relay metrics --grafana > relay.json         import it: Dashboards, New, Import",
    )
    .action(({ alerts, grafana }: { alerts?: boolean; grafana?: boolean }) => {
      if (alerts) print(rulesFile().trimEnd());
      else if (grafana) printJson(dashboard());
      else {
        throw new RelayError(
          "Cannot tell what to print: neither --alerts nor --grafana is given",
          "--alerts prints rules for Prometheus, --grafana a dashboard; the metrics are at /metrics of `relay serve`",
          ExitCode.usage,
        );
      }
    });
}
