/** `relay serve` */

import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { type App, startApp } from "../app.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { ConfigError, type ConfigIssue, explain, messageOf } from "../errors.ts";
import { inEnglish } from "../locale/phrase.ts";
import { type Address, isAsked, keptName, takeSockets } from "../handover/passed.ts";
import { hostAndPort, isEverywhere, listenerUrl } from "../listener_url.ts";
import { exitAfterLog, log, startLog } from "../log.ts";
import { createNotifier } from "../service/notify.ts";
import { summaryOf } from "../tls/certificate.ts";
import { VERSION } from "../version.ts";
import { toldIn } from "../warnings.ts";
import { words } from "./language.ts";
import { configOf, type ConfigOptions, verb } from "./shared.ts";
import { databaseReport } from "./database_report.ts";
import { openStore, rightsToStore, storePlace, warningsNow } from "../store_place.ts";
import { maskNumbers } from "../recipient.ts";

export function serveVerb(): Command {
  const { about, debug, help } = words.serve;
  return verb("serve", about, "config")
    .option("--debug", debug)
    .addHelpText("after", `\n${help}`)
    .action(serve);
}

async function serve(options: ConfigOptions & { debug?: boolean }): Promise<void> {
  // From the first moment on: a signal that comes while the config is being loaded must not end the program.
  const signals = new Signals();
  const first = await Promise.race([configOf(options), signals.stop]);
  if (typeof first === "string") process.exit(0);
  let loaded = first;
  startLog({ debug: options.debug ?? false, redact: () => loaded.redact, timeZone: () => loaded.config.timeZone });
  logWarnings(loaded);
  process.on("unhandledRejection", (error) => {
    log.error("a function of the config caused an unhandled rejection: {problem}", { problem: messageOf(error) });
  });
  const { listen } = loaded.config;
  const sockets = takeSockets(listen);
  rightsToStore(storePlace(loaded)).take({ ports: true });
  const app = await startApp(loaded, openStore, sockets);
  for (const address of app.addresses) logListening(address, loaded);
  logCertificate(loaded);
  if (app.adminPort !== undefined) {
    const { host } = loaded.config.admin as { host: string };
    log.info(`admin listener on {url}${everywhere(host)}`, {
      url: listenerUrl(host, app.adminPort),
      host,
      adminPort: app.adminPort,
    });
  }
  await logOrphaned(app);
  logDatabase(loaded);
  if (app.wasUnclean) {
    log.warn("the previous run ended unexpectedly; deliveries under way at the time are repeated");
  }

  const service = createNotifier({ totals: (limit) => app.totals(limit) });
  if (sockets.length === 0) service.keep(keptName(listen), () => app.share());
  service.ready();

  const atStart = fixedOf(loaded);
  while (await signals.next() === "SIGHUP") {
    service.reloading();
    const next = await Promise.race([reloadable(options.config), signals.stop]);
    if (typeof next === "string") continue;
    const before = loaded.config.listen.tls;
    if ("problem" in next) app.refuseReload(next.problem);
    else app.reload(loaded = next);
    service.reloaded(!("problem" in next));
    if ("problem" in next) continue;
    log.info("reloaded {file}", { file: loaded.file });
    if (before && !isDeepStrictEqual(before, loaded.config.listen.tls)) logCertificate(loaded);
    logWarnings(loaded);
    await logOrphaned(app);
    if (!isDeepStrictEqual(atStart, fixedOf(loaded))) {
      log.warn(
        "config: changes to `listen`, `admin` and `store` take effect at the next restart; a new certificate or token does now",
      );
    }
  }
  service.stopping(loaded.config.drainMs);
  log.info("stopping on {signal}", { signal: await signals.stop });
  await app.stop();
  log.info("stopped", {});
  // What is left now are idle connections to targets, which would keep the program alive for a while.
  exitAfterLog(0);
}

/** The config as it is now, or why it is not sound and a line in the log. */
async function reloadable(path: string): Promise<LoadedConfig | { problem: unknown }> {
  try {
    return await loadConfig(path);
  } catch (error) {
    const issues = error instanceof ConfigError ? error.issues.map(issueLine) : [];
    log.error("config not reloaded, the previous one stays in use: {problem} {issues}", {
      problem: maskNumbers(messageOf(error)),
      issues,
    });
    return { problem: error };
  }
}

/** A mistake as the log tells it. */
function issueLine({ path, message, place }: ConfigIssue): string {
  const where = place ? ` (line ${place.line}, column ${place.column})` : "";
  return maskNumbers(`${path} ${inEnglish(message)}${where}`.trimStart());
}

function logWarnings(loaded: LoadedConfig): void {
  for (const { path, message } of toldIn("en", warningsNow(loaded))) {
    log.warn("config: {path} {problem}", { path, problem: message });
  }
}

/** Tells what of the store's database is in the relay's way, when that is known: nothing waits for it. */
function logDatabase(loaded: LoadedConfig): void {
  databaseReport(loaded).then((report) => {
    const warnings = (report?.warnings ?? []).map((warning) => ({ path: "store", warning }));
    for (const { path, message } of toldIn("en", warnings)) log.warn("{path}: {problem}", { path, problem: message });
  });
}

/** Tells where the relay listens, and whether that is where the config says. */
function logListening({ host, port }: Address, { config: { listen } }: LoadedConfig): void {
  const url = listenerUrl(host, port, listen.tls ? "https" : "http");
  log.info(`listening on {url}${everywhere(host)}, relay {version}`, { url, host, port, version: VERSION });
  if (isAsked(listen, { host, port })) return;
  log.warn("config: `listen` says {asked}, but the relay listens on {passed}, the socket that it was passed", {
    asked: hostAndPort(listen.host, listen.port),
    passed: hostAndPort(host, port),
  });
}

/** Goes on after the URL of a listener that is reached at other addresses as well. */
function everywhere(host: string): string {
  return isEverywhere(host) ? " and every other address of this machine" : "";
}

/** What stays as it is until a restart; a token that is taken away does. */
function fixedOf({ config: { listen, admin, store } }: LoadedConfig): unknown[] {
  return [{ ...listen, tls: listen.tls !== undefined }, admin && { ...admin, token: admin.token !== undefined }, store];
}

function logCertificate({ config: { listen: { tls } } }: LoadedConfig): void {
  if (!tls) return;
  const { names, validTo } = summaryOf(tls.cert);
  log.info("new connections get the certificate for {names}, valid until {validTo}", {
    names: names.join(", "),
    validTo,
  });
}

async function logOrphaned(app: App): Promise<void> {
  try {
    for (const { target, count } of await app.orphaned()) {
      log.warn("{count} deliveries wait for {target}, which is not in the config; add it again, or leave them", {
        count,
        target,
      });
    }
  } catch (error) {
    log.error("cannot find targets that are not in the config: {problem}", { problem: explain(error) });
  }
}

/** Signals to stop within so many milliseconds are one request: some send it to the process and to its group. */
const ONE_REQUEST_MS = 500;

/** Signals, one after the other. A second request to stop ends the program at once, unless it belongs to the first. */
class Signals {
  /** Resolves with the first request to stop. */
  readonly stop: Promise<NodeJS.Signals>;
  #reloads = 0;
  #wake = () => {};

  constructor() {
    process.on("SIGHUP", () => {
      this.#reloads++;
      this.#wake();
    });
    this.stop = new Promise((resolve) => {
      let stoppedAt: number | undefined;
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        process.on(signal, () => {
          stoppedAt ??= performance.now();
          if (performance.now() - stoppedAt > ONE_REQUEST_MS) process.exit(1);
          resolve(signal);
        });
      }
    });
  }

  /** Resolves with the next signal; a request to stop comes before any to reload. */
  async next(): Promise<NodeJS.Signals> {
    const reload = async (): Promise<NodeJS.Signals> => {
      while (this.#reloads === 0) await new Promise<void>((resolve) => this.#wake = resolve);
      return "SIGHUP";
    };
    const signal = await Promise.race([this.stop, reload()]);
    if (signal === "SIGHUP") this.#reloads--;
    return signal;
  }
}
