/**
 * The relay run from source, with one fault point: at it, the process kills itself.
 *
 *     program.ts serve [POINT COUNT]
 *
 * POINT is "before NAME" or "after NAME", where NAME is a method of the store, or `deliver` for a target's attempt.
 * The process dies when the point is reached for the COUNTth time; a claim that finds nothing has no "after".
 */

import process from "node:process";
import { startApp } from "../../lib/app.ts";
import { openStore } from "../../lib/store_place.ts";
import { loadConfig, type LoadedConfig } from "../../lib/config/load.ts";
import type { Store } from "../../lib/store/mod.ts";

const [, point, count] = process.argv.slice(2);
let left = Number(count);

function reach(name: string): void {
  if (name === point && --left === 0) process.kill(process.pid, "SIGKILL");
}

/** A relay looks for deliveries as often as it likes. */
function isEmpty(result: unknown): boolean {
  return Array.isArray(result) && result.length === 0;
}

async function between<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  reach(`before ${name}`);
  const result = await work();
  if (!isEmpty(result)) reach(`after ${name}`);
  return result;
}

/** A store with fault points around each of its methods. */
function openWithPoints(loaded: LoadedConfig): Store {
  return new Proxy(openStore(loaded), {
    get(store, name) {
      const method = Reflect.get(store, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => between(String(name), () => method.apply(store, args));
    },
  });
}

/** A config whose targets have fault points around each attempt. */
function withPoints(loaded: LoadedConfig): LoadedConfig {
  const targets = [...loaded.config.targets].map(([name, target]) => {
    const deliver: typeof target.deliver = (...args) => between("deliver", () => target.deliver(...args));
    return [name, { ...target, deliver }] as const;
  });
  return { ...loaded, config: { ...loaded.config, targets: new Map(targets) } };
}

const app = await startApp(withPoints(await loadConfig("relay.config.ts")), openWithPoints);
process.on("SIGTERM", () => app.stop().then(() => process.exit(0)));
process.stdout.write(
  `${JSON.stringify({ message: "listening", port: app.addresses[0]!.port })}\n`,
);
