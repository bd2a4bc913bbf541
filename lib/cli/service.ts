/** `relay service print|install|uninstall` */

import process from "node:process";
import type { Command } from "commander";
import { dotenvWarnings, installService, type Step, uninstallService } from "../service/install.ts";
import { paint } from "../log.ts";
import { unitText } from "../service/unit.ts";
import { locale } from "./language.ts";
import { print, printJson, verb } from "./shared.ts";

export function serviceVerb(): Command {
  return verb("service", "run as a systemd service")
    .addCommand(
      verb("print", "print the unit, change nothing", "json").action(({ json }: { json?: boolean }) => {
        if (json) printJson({ unit: unitText() });
        else process.stdout.write(unitText());
      }),
    )
    .addCommand(
      verb("install", "install this executable as a service that starts now and at every boot", "json")
        .option("--no-start", "neither start it nor enable it")
        .addHelpText("after", INSTALL_HELP)
        .action(({ start, json }: { start: boolean; json?: boolean }) => {
          const warnings = dotenvWarnings();
          const steps = installService({ start, locale });
          if (json) return printJson({ ok: true, steps, warnings });
          tell(steps);
          if (warnings.length > 0) print("", paint("yellow", "Warnings"), ...warnings.map((one) => `  ${one}`));
          print("", start ? "`systemctl status relay` shows how it is." : "`systemctl enable --now relay` starts it.");
          print("After a change of the config: `systemctl reload relay`; of .env: `systemctl restart relay`.");
        }),
    )
    .addCommand(
      verb("uninstall", "stop the service and remove it; config and data stay", "json")
        .action(({ json }: { json?: boolean }) => tell(uninstallService(), json)),
    );
}

const INSTALL_HELP = `
For root. It asks nothing, and can be run again: then a newer executable takes the place of the old one.

  /usr/local/bin/relay               the executable
  /etc/relay                         the config, by \`relay init\` if there is none
  /var/lib/relay                     the store
  /etc/systemd/system/relay.service  the unit; changes of your own go into \`systemctl edit relay\``;

function tell(steps: Step[], asJson = false): void {
  if (asJson) return printJson({ ok: true, steps });
  print(...steps.map(({ did, what }) => `${did.padEnd(8)} ${what}`));
}
