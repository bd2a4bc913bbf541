/** Several executables at work on one PostgreSQL. */

import { isDeepStrictEqual } from "node:util";
import { ownerOf } from "../../lib/lanes/rendezvous.ts";
import { startPostgres } from "./postgres.ts";
import type { Database } from "./postgres/database.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "./relay.ts";
import { type Sink, startSink } from "./sink.ts";
import { until } from "./wait.ts";

/** The targets of their config, of which each relay owns some. */
export const TARGETS = ["arquivo", "crm", "equipe", "plantao", "sistema"] as const;

export interface SeveralRelays {
  database: Database;
  sink: Sink;
  relays: RunningRelay[];
  /** What all of them have as their config. */
  config: string;
  /** What `relay status --json` says beside them. */
  status(): Promise<StatusOfSeveral>;
  /** Resolves with what `relay status --json` says once it fits. */
  statusWhere(what: string, fits: (status: StatusOfSeveral) => boolean): Promise<StatusOfSeveral>;
}

/** What is read here of `relay status --json`. */
export interface StatusOfSeveral {
  running: boolean;
  pid: number | null;
  members: RelayStatus[];
  gone: RelayStatus[];
  unowned: string[];
  takeovers: { lane: string; at: string; member: string; wasGivenUp: boolean }[];
  reload: unknown;
}

export interface RelayStatus {
  name: string;
  version: string;
  state: string;
  pid: number | null;
  lanes: string[];
  taking: string[];
  duties: boolean;
}

/** Starts so many relays one after the other, and waits until each target has an owner. */
export async function withSeveralRelays(count: number, work: (several: SeveralRelays) => Promise<void>): Promise<void> {
  const database = await startPostgres();
  const sink = await startSink();
  const relays: RunningRelay[] = [];
  const config = configOf({
    admin: "{ port: 0 }",
    targets: TARGETS.map((name) => `${name}: http({ url: "${sink.url}/${name}" })`).join(", "),
    routes: `{ on: "**", to: ${JSON.stringify(TARGETS)} }`,
    more: `store: "${database.url()}"`,
  });
  const status = async (): Promise<StatusOfSeveral> => {
    const { stdout, stderr } = await runRelay(["status", "--json"], { cwd: relays[0]!.folder });
    if (stderr !== "") throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const statusWhere: SeveralRelays["statusWhere"] = (what, fits) =>
    until(what, async () => {
      const told = await status();
      return fits(told) && told;
    }, 30_000);
  try {
    while (relays.length < count) relays.push(await startRelay(config));
    await statusWhere(
      "every relay, and each target at the one that is to own it",
      ({ members }) =>
        members.length === count &&
        members.every(({ name, lanes }) => isDeepStrictEqual(lanes, lanesOf(name, members))),
    );
    await work({ database, sink, relays, config, status, statusWhere });
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
    await sink.close();
    await database.close();
  }
}

/** What a relay is to own among these. */
function lanesOf(name: string, members: readonly RelayStatus[]): string[] {
  const all = members.map((one, number) => ({ ...one, number, lanes: TARGETS, isLeaving: false }));
  return TARGETS.filter((target) => ownerOf(target, all)?.name === name);
}
