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
import { messageOf, RelayError, sayError } from "../errors.ts";
import { exampleFiles } from "../init/files.ts";
import { CONFIG, writeConfig } from "../init/write.ts";
import type { Language, Locale } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { isExecutable } from "../runtime.ts";
import { toldIn } from "../warnings.ts";
import { servicePaths, unitText } from "./unit.ts";

/** One thing that was done, or was done already: by its name among the words, which JSON has too, and what it was done to. */
export interface Step {
  did: keyof Language["service"]["did"];
  what: string;
}

const { executable, name } = servicePaths;
const unit = `${name}.service`;
/** Where the unit is written. */
export const unitPath = `/etc/systemd/system/${unit}`;
const packagedUnitPath = `/usr/lib/systemd/system/${unit}`;
type Doing = "install" | "uninstall";

/** Units of the administrator's own, which belong to the service. */
const ownUnitPaths = [`${unitPath}.d`, `/etc/systemd/system/${name}.socket`];
/** Where the service has its config. */
export const configFolder = `/etc/${name}`;
/** Where the service has its store. */
export const stateFolder = `/var/lib/${name}`;

/**
 * Installs this executable as a service and starts it, or with the same result installs it again: then the service is
 * restarted, as it may run an older one.
 * @param options.start Whether it is started, now and at each boot.
 * @throws {RelayError} if something could not be done; what was done before it stands, and another run goes on from there.
 */
export function installService({ start, locale }: { start: boolean; locale: Locale }): Step[] {
  checkSurroundings("install");
  if (existsSync(packagedUnitPath)) {
    throw failure("install", ({ service }) => service.packaged, ({ service }) => service.packagedInstall(name));
  }
  if (!isExecutable) {
    throw failure("install", ({ service }) => service.fromSource, ({ service }) => service.compile);
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
  checkSurroundings("uninstall");
  const steps: Step[] = [];
  if (existsSync(packagedUnitPath) && !existsSync(unitPath)) {
    throw failure("uninstall", ({ service }) => service.ofPackage, ({ service }) => service.packagedUninstall(name));
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

function checkSurroundings(doing: Doing): void {
  if (process.platform !== "linux" || !existsSync("/run/systemd/system")) {
    throw failure(doing, ({ service }) => service.noSystemd, ({ service }) => service.otherManager);
  }
  if (process.getuid?.() !== 0) {
    throw failure(doing, ({ service }) => service.notRoot, ({ service }) => service.sudo);
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

/** What you should know of the service's `.env`, a sentence each. */
export function dotenvWarnings(locale: Locale): string[] {
  return toldIn(locale, readDotenv(configFolder).warnings).map(({ path, message }) =>
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
      sayError(error),
      ({ service }) => service.seeWhy(`relay check --config ${configFolder}/${CONFIG}`, `journalctl -u ${name} -n 20`),
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
  const problem = messageOf(error ?? stderr);
  throw new RelayError(({ service }) => service.cannot.run(["systemctl", ...args].join(" "), problem));
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
    throw fileFailure("write", path, error);
  }
  return { did: "wrote", what: path };
}

function remove(path: string): Step {
  try {
    rmSync(path);
  } catch (error) {
    throw fileFailure("remove", path, error);
  }
  return { did: "removed", what: path };
}

function fileFailure(doing: "write" | "remove", path: string, error: unknown): RelayError {
  const { code } = error as NodeJS.ErrnoException;
  return new RelayError(
    (words) => words.service.cannot[doing](path, sayError(error)(words)),
    code === "EROFS" ? ({ service }) => service.readOnly(dirname(path)) : undefined,
  );
}

function failure(doing: Doing, problem: Phrase, hint: Phrase): RelayError {
  return new RelayError((words) => words.service.cannot[doing](problem(words)), hint);
}
