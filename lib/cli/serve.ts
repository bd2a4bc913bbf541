/** `relay serve` */

import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import { type App, startApp } from "../app.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { ConfigError, messageOf } from "../errors.ts";
import { log, startLog } from "../log.ts";
import { VERSION } from "../version.ts";
import { type ConfigOptions, verb } from "./shared.ts";

export function serveVerb(): Command {
  return verb("serve", "receive events and deliver them", "config")
    .option("--debug", "log headers and bodies too, with secrets and signatures masked")
    .addHelpText("after", "\nSIGTERM finishes what is in flight and exits 0. SIGHUP loads the config again.")
    .action(serve);
}

async function serve(options: ConfigOptions & { debug?: boolean }): Promise<void> {
  // From the first moment on: a signal that comes while the config is being loaded must not end the program.
  const signals = new Signals();
  let loaded = await loadConfig(options.config);
  startLog({ debug: options.debug ?? false, redact: () => loaded.redact });
  logWarnings(loaded);
  process.on("unhandledRejection", (error) => {
    log.error("a function of the config left a rejection: {problem}", { problem: messageOf(error) });
  });
  const app = await startApp(loaded);
  const { host } = loaded.config.listen;
  log.info("listening on http://{host}:{port}, relay {version}", { host, port: app.port, version: VERSION });
  if (app.adminPort !== undefined) {
    const { host } = loaded.config.admin as { host: string };
    log.info("operator's listener on http://{host}:{adminPort}", { host, adminPort: app.adminPort });
  }
  await logOrphaned(app);
  if (app.takenOver > 0) {
    log.warn("resuming {count} deliveries that were in flight when the relay last ended", { count: app.takenOver });
  }

  for (;;) {
    const signal = await signals.next();
    if (signal !== "SIGHUP") {
      log.info("stopping on {signal}", { signal });
      break;
    }
    try {
      const fixed = fixedOf(loaded);
      loaded = await loadConfig(options.config);
      app.reload(loaded);
      log.info("reloaded {file}", { file: loaded.file });
      logWarnings(loaded);
      await logOrphaned(app);
      if (!isDeepStrictEqual(fixed, fixedOf(loaded))) {
        log.warn("config: `listen`, `admin` and `store` change at the next restart only");
      }
    } catch (error) {
      const issues = error instanceof ConfigError ? error.issues.map(({ path, message }) => `${path} ${message}`) : [];
      log.error("config not reloaded, the old one goes on: {problem} {issues}", { problem: messageOf(error), issues });
    }
  }
  await app.stop();
  log.info("stopped", {});
  // What is left now are idle connections to targets, which would keep the program alive for a while.
  process.stdout.write("", () => process.exit(0));
}

function logWarnings({ warnings }: LoadedConfig): void {
  for (const { path, message } of warnings) log.warn("config: {path} {problem}", { path, problem: message });
}

/** What stays as it is until a restart. */
function fixedOf({ config: { listen, admin, store } }: LoadedConfig): unknown[] {
  return [listen, admin, store];
}

async function logOrphaned(app: App): Promise<void> {
  for (const { target, count } of await app.orphaned()) {
    log.warn("{count} deliveries wait for {target}, which is not in the config; name it there again, or leave them", {
      count,
      target,
    });
  }
}

/** Signals, one after the other. A second request to stop ends the program at once. */
class Signals {
  readonly #came: NodeJS.Signals[] = [];
  #wake = () => {};
  #stops = 0;

  constructor() {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (signal !== "SIGHUP" && ++this.#stops > 1) process.exit(1);
        this.#came.push(signal);
        this.#wake();
      });
    }
  }

  async next(): Promise<NodeJS.Signals> {
    while (this.#came.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#came.shift()!;
  }
}
