/**
 * The relay run from source, with one fault point: at it, the process kills itself.
 *
 *     program.ts serve [POINT COUNT]
 *
 * POINT is "before NAME" or "after NAME", where NAME is a method of the store or of a side of it, `accept` or `record` for a
 * write that holds such, or `deliver` for a target's attempt. The process dies when the point is reached for the COUNTth
 * time; a read of what is due that finds nothing has no "after".
 */

import process from "node:process";
import { startApp } from "../../lib/app.ts";
import { openStore } from "../../lib/store_place.ts";
import { loadConfig, type LoadedConfig } from "../../lib/config/load.ts";
import type { Batch, DueInLane } from "../../lib/store/mod.ts";

const [, point, count] = process.argv.slice(2);
let left = Number(count);

function reach(name: string): void {
  if (name === point && --left === 0) process.kill(process.pid, "SIGKILL");
}

async function between<Result>(names: string[], work: () => Promise<Result>): Promise<Result> {
  for (const name of names) reach(`before ${name}`);
  const result = await work();
  if (isWorth(result)) { for (const name of names) reach(`after ${name}`); }
  return result;
}

/** A relay looks for deliveries as often as it likes. */
function isWorth(result: unknown): boolean {
  const isRead = typeof result === "object" && result !== null && "now" in result && "lanes" in result;
  return !isRead || (result.lanes as DueInLane[]).some(({ due }) => due.length > 0);
}

function namesOf(method: string, args: unknown[]): string[] {
  if (method !== "write") return [method];
  const { accepts, lanes } = args[0] as Batch;
  return [
    ...(accepts.length > 0 ? ["accept"] : []),
    ...(lanes.some(({ records }) => records.length > 0) ? ["record"] : []),
  ];
}

/** A store, or a side of one, with fault points around each of its methods. */
function withPoints<Part extends object>(part: Part): Part {
  return new Proxy(part, {
    get(_, name) {
      const value: unknown = Reflect.get(part, name);
      if (name === "time") return value; // a clock is no part of the store
      if (typeof value !== "function") return value instanceof Object ? withPoints(value) : value;
      return (...args: unknown[]) => between(namesOf(String(name), args), () => value.apply(part, args));
    },
  });
}

/** A config whose targets have fault points around each attempt. */
function withTargetPoints(loaded: LoadedConfig): LoadedConfig {
  const targets = [...loaded.config.targets].map(([name, target]) => {
    const deliver: typeof target.deliver = (...args) => between(["deliver"], () => target.deliver(...args));
    return [name, { ...target, deliver }] as const;
  });
  return { ...loaded, config: { ...loaded.config, targets: new Map(targets) } };
}

const app = await startApp(
  withTargetPoints(await loadConfig("relay.config.ts")),
  async (loaded) => withPoints(await openStore(loaded)),
);
process.on("SIGTERM", () => app.stop().then(() => process.exit(0)));
const { addresses: [address], wasUnclean } = app;
process.stdout.write(`${JSON.stringify({ message: "listening", port: address!.port, wasUnclean })}\n`);
