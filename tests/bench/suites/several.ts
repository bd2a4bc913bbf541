/** Several relays on one PostgreSQL: what each brings, what they and the database cost, and the same on a file. */

import { type MeasuredDatabase, settingsLine, startDatabase } from "../several/database.ts";
import { arrivals, flood } from "../several/flood.ts";
import { costOf, rest } from "../several/idle.ts";
import { databaseSite, fileSite, type Relays, type Site, startRelays } from "../several/relays.ts";
import type { Bench, Suite } from "./suite.ts";

/** Sections. */
export const flooded = "several relays, one PostgreSQL";
export const idly = "several relays, idle";

/** How many relays are measured together. */
const COUNTS = [1, 2, 3];

/** Events a second of which each is followed to its target. */
const RATE = 500;

export const rows = {
  file: "1 relay, SQLite",
  many: "1 relay, many stored",
};

/** Name of the row of so many relays. */
export function relaysRow(count: number): string {
  return count === 1 ? "1 relay" : `${count} relays`;
}

export const several: Suite = async (bench) => {
  const { results, say } = bench;
  const database = await startDatabase().catch((error: Error) => {
    results.notes.push(
      `several relays are left out, as PostgreSQL does not start here: ${error.message.split("\n")[0]}`,
    );
    say(results.notes.at(-1)!);
  });
  if (!database) return;
  results.notes.push(
    "several relays, their database and the load share two cores: what counts is CPU an event; " +
      `each event goes to one of six targets; medians of ${bench.plan.severalRounds} rounds; their database: ${settingsLine}`,
  );
  try {
    await measureIdle(bench, database); // before floods give the server something to tidy up
    await measureFloods(bench, database);
  } finally {
    await database.close();
  }
};

async function measureFloods(bench: Bench, database: MeasuredDatabase): Promise<void> {
  const { plan, results, say } = bench;
  const [few, large] = plan.severalSizes;
  say(`several: storing ${large.toLocaleString("en")} events`);
  const many = await databaseSite(database, large);
  const rounds = plan.severalRounds;
  for (let round = 1; round <= rounds; round++) {
    await bench.noteMachine();
    const add = async (row: string, site: Site, count: number, from = 0) => {
      say(`several, round ${round} of ${rounds}: ${row}`);
      const cost = await withRelays(site, count, async (relays) => ({
        ...await arrivals(bench, relays, RATE, from),
        ...await flood(bench, site, relays, from + 2 * RATE * (2 + plan.steadySeconds)),
      }));
      results.add(flooded, row, cost);
    };
    const once = async (row: string, site: Site, count: number) => {
      try {
        await add(row, site, count);
      } finally {
        await site.remove();
      }
    };
    await once(rows.file, fileSite(), 1);
    for (const count of COUNTS) await once(relaysRow(count), await databaseSite(database, few), count);
    await add(rows.many, many, 1, Math.floor(bench.genuine.count * (round - 1) / rounds));
  }
}

async function measureIdle({ plan, results, say }: Bench, database: MeasuredDatabase): Promise<void> {
  const seconds = plan.idleSeconds;
  const [file, shared] = [fileSite(), await databaseSite(database, plan.severalSizes[0])];
  try {
    await shared.settle();
    say("several, idle: PostgreSQL without a relay");
    const alone = await rest(shared, seconds);
    const sites = [[rows.file, file, 1], [relaysRow(1), shared, 1], [relaysRow(3), shared, 3]] as const;
    for (const [row, site, count] of sites) {
      say(`several, idle: ${row}`);
      const used = await withRelays(site, count, (relays) => rest(site, seconds, relays));
      results.add(idly, row, costOf(used, alone, count));
    }
  } finally {
    await file.remove();
    await shared.remove();
  }
}

async function withRelays<Result>(
  site: Site,
  count: number,
  work: (relays: Relays) => Promise<Result>,
): Promise<Result> {
  const relays = await startRelays(site, count);
  try {
    return await work(relays);
  } finally {
    await relays.stop();
  }
}
