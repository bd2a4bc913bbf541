/** Whether a relay evaluates the driver of PostgreSQL, which a relay on a file has no use for. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { configOf, executable, startRelay } from "../relay.ts";
import { startSink } from "../sink.ts";

/** Has the driver ask for a module that nobody has installed, wherever and whenever it is evaluated. */
const env = { NODE_PG_FORCE_NATIVE: "1" };

/**
 * A relay on a file starts, receives, delivers and ends where the driver cannot be evaluated; a database is not even looked
 * for there.
 * @param command What to run in place of the executable.
 */
export async function keepsDriverForDatabases(command: string[] = [executable]): Promise<void> {
  const sink = await startSink();
  const parts = { targets: `crm: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "crm" }` };
  const relay = await startRelay(configOf(parts), { command, env });
  try {
    assert.equal((await relay.post('{"event":"test","data":{}}')).status, 200);
    await sink.received(1);
    assert.equal(await relay.end(), 0);

    const config = configOf({ ...parts, more: `store: "postgres://127.0.0.1:9/relay",` });
    writeFileSync(join(relay.folder, "relay.config.ts"), config);
    const [program, ...args] = command;
    const { stderr } = spawnSync(program!, [...args, "status"], {
      cwd: relay.folder,
      env: { PATH: process.env.PATH, ...env },
      encoding: "utf8",
    });
    assert.match(stderr, /pg-native/);
  } finally {
    await relay.close();
    await sink.close();
  }
}
