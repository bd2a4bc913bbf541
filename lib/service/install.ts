/** Setting up the systemd service on this machine, and taking it away. For root only. */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { readDotenv } from "../config/dotenv_file.ts";
import { messageOf, RelayError } from "../errors.ts";
import { exampleFiles } from "../init/files.ts";
import { CONFIG, writeConfig } from "../init/write.ts";
import type { Locale } from "../locale/mod.ts";
import { isExecutable } from "../runtime.ts";
import { toldIn } from "../warnings.ts";
import { servicePaths, unitText } from "./unit.ts";

/** One thing that was done, or found done: a verb in the past tense, and what it was done to. */
export interface Step {
  did: string;
  what: string;
}

const { executable, name } = servicePaths;
const unit = `${name}.service`;
const unitPath = `/etc/systemd/system/${unit}`;
const packagedUnitPath = `/usr/lib/systemd/system/${unit}`;
/** Units of the administrator's own, which belong to the service. */
const ownUnitPaths = [`${unitPath}.d`, `/etc/systemd/system/${name}.socket`];
const configFolder = `/etc/${name}`;
const stateFolder = `/var/lib/${name}`;

/**
 * Installs this executable as a service and starts it, or with the same result installs it again: then the service is
 * restarted, as it may run an older one.
 * @param options.start Whether it is started, now and at each boot.
 * @throws {RelayError} if something could not be done; what was done before it stands, and another run goes on from there.
 */
export function installService({ start, locale }: { start: boolean; locale: Locale }): Step[] {
  checkSurroundings("install the service");
  if (existsSync(packagedUnitPath)) {
    throw new RelayError(
      "Cannot install the service: it is there already, from the package",
      `\`systemctl enable --now ${name}\` starts it; \`apt remove ${name}\` makes room for this one`,
    );
  }
  if (!isExecutable) {
    throw new RelayError(
      "Cannot install the service: this runs from source",
      "`deno task compile` makes the executable `dist/relay`; `sudo dist/relay service install` installs it",
    );
  }
  return [
    copyExecutable(),
    ...configure(locale),
    ...keepUnit(),
    replace(unitPath, 0o644, (temporary) => writeFileSync(temporary, unitText())),
    ...(start ? startService() : reloadUnits()),
  ];
}

/**
 * Stops the service and removes it; config and data stay, and units that the administrator has written.
 * @throws {RelayError} if something could not be done, or the service is the package's to remove.
 */
export function uninstallService(): Step[] {
  checkSurroundings("uninstall the service");
  const steps: Step[] = [];
  if (existsSync(packagedUnitPath) && !existsSync(unitPath)) {
    throw new RelayError(
      "Cannot uninstall the service: it is the package's",
      `\`apt remove ${name}\` removes it and keeps config and data; \`apt purge ${name}\` removes them as well`,
    );
  }
  if (existsSync(unitPath)) {
    systemctl("disable", "--now", "--quiet", unit);
    steps.push({ did: "stopped", what: unit });
  }
  for (const path of [unitPath, executable]) if (existsSync(path)) steps.push(remove(path));
  systemctl("daemon-reload");
  spawnSync("systemctl", ["reset-failed", unit]); // fails where there is nothing to forget
  for (const path of [...ownUnitPaths, configFolder, stateFolder]) {
    if (existsSync(path)) steps.push({ did: "kept", what: path });
  }
  return steps;
}

function checkSurroundings(what: string): void {
  if (process.platform !== "linux" || !existsSync("/run/systemd/system")) {
    throw new RelayError(
      `Cannot ${what}: this machine does not run systemd`,
      "`relay serve` runs it under any other service manager",
    );
  }
  if (process.getuid?.() !== 0) {
    throw new RelayError(`Cannot ${what}: only root may`, "run it again with `sudo`");
  }
}

function copyExecutable(): Step {
  const { dev, ino } = statSync(process.execPath);
  const old = statSync(executable, { throwIfNoEntry: false });
  if (old && old.dev === dev && old.ino === ino) return { did: "kept", what: executable };
  return replace(executable, 0o755, (temporary) => copyFileSync(process.execPath, temporary));
}

function configure(locale: Locale): Step[] {
  if (existsSync(`${configFolder}/${CONFIG}`)) return [{ did: "kept", what: configFolder }];
  const isNewFolder = !existsSync(configFolder);
  const files = writeConfig(configFolder, exampleFiles(locale), locale);
  if (isNewFolder) chmodSync(configFolder, 0o755); // whatever the umask says: the service reads it as a user of its own
  return files.map(({ path, isNew }) => ({ did: isNew ? "wrote" : "kept", what: path }));
}

/** What somebody should know of the `.env` that the service has, a sentence each. */
export function dotenvWarnings(): string[] {
  return toldIn("en", readDotenv(configFolder).warnings).map(({ path, message }) =>
    `${configFolder}/${path} ${message}`
  );
}

function startService(): Step[] {
  reloadUnits();
  systemctl("enable", "--quiet", unit);
  try {
    systemctl("restart", unit);
  } catch (error) {
    throw new RelayError(
      messageOf(error),
      `\`relay check --config ${configFolder}/relay.config.ts\` and \`journalctl -u ${name} -n 20\` tell why`,
    );
  }
  return [{ did: "enabled", what: unit }, { did: "started", what: unit }];
}

function reloadUnits(): Step[] {
  systemctl("daemon-reload");
  return [];
}

function systemctl(...args: string[]): void {
  const { status, stderr, error } = spawnSync("systemctl", args, { encoding: "utf8" });
  if (status === 0) return;
  throw new RelayError(`Cannot ${args[0]} the service: ${messageOf(error ?? stderr)}`);
}

/** Puts a unit that is not as this program writes it aside: an administrator may have changed it, or an older program made it. */
function keepUnit(): Step[] {
  if (!existsSync(unitPath) || readFileSync(unitPath, "utf8") === unitText()) return [];
  const old = `${unitPath}.old`;
  copyFileSync(unitPath, old);
  return [{ did: "kept", what: old }];
}

/** Makes a file anew as a whole: by a rename, as one that is being run cannot be written. */
function replace(path: string, mode: number, write: (temporary: string) => void): Step {
  const temporary = `${path}.new`;
  try {
    write(temporary);
    chmodSync(temporary, mode); // whatever the umask says
    renameSync(temporary, path);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary);
    throw failure("write", path, error);
  }
  return { did: "wrote", what: path };
}

function remove(path: string): Step {
  try {
    rmSync(path);
  } catch (error) {
    throw failure("remove", path, error);
  }
  return { did: "removed", what: path };
}

function failure(doing: string, path: string, error: unknown): RelayError {
  const { code } = error as NodeJS.ErrnoException;
  const hint = code === "EROFS" ? `${dirname(path)} is on a file system that is read-only` : undefined;
  return new RelayError(`Cannot ${doing} ${path}: ${code ?? messageOf(error)}`, hint);
}
