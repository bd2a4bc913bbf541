/** A move that is killed at each of its writes, again and again, goes on each time and loses nothing. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../lib/clock.ts";
import { type Moved, moveStore } from "../../lib/operator/migrate.ts";
import { selfCommand } from "../../lib/runtime.ts";
import { openPostgresTransfer } from "../../lib/store/postgres/transfer.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { openSqliteTransfer } from "../../lib/store/sqlite/transfer.ts";
import { tables } from "../../lib/store/transfer.ts";
import { makeFolder } from "../helpers/folder.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { fill, SMALL } from "../store/filled.ts";

const [program, ...args] = selfCommand().with(-1, fileURLToPath(new URL("move_program.ts", import.meta.url)));

/** More rows than one page takes. */
const ROWS = SMALL.rows + 3;

async function moveOnce(from: string, to: string, point: string, count: number): Promise<Moved | undefined> {
  const child = spawn(program!, [...args, from, to, point, String(count)], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on("close", (_, signal) => resolve(signal)));
  const [answer, problem, signal] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (signal === "SIGKILL") return undefined;
  assert.notEqual(answer, "", problem);
  return JSON.parse(answer) as Moved;
}

/** Moves in this process, to the end. */
async function moveHere(file: string, url: string): Promise<Moved> {
  const from = openSqliteTransfer(file, systemClock);
  const to = await openPostgresTransfer(parsePostgresUrl(url), true);
  try {
    return await moveStore(from, to, { limits: SMALL });
  } finally {
    await from.close();
    await to.close();
  }
}

/** A server, and a store with something of everything. */
async function withStores(work: (newUrl: () => string, newFile: () => string) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  const server = await startPostgres();
  try {
    const first = join(folder.path, "first.db");
    const side = openSqliteTransfer(first, systemClock);
    await fill(side, ROWS);
    await side.finish(ROWS);
    await side.close();
    let files = 0;
    const newFile = () => {
      const path = join(folder.path, `${++files}.db`);
      copyFileSync(first, path);
      return path;
    };
    await work(() => server.url({ freshSchema: true }), newFile);
  } finally {
    await server.close();
    folder.remove();
  }
}

/** Each write is one test's: together they take too long for one. */
const PARTS = 3;

for (let part = 1; part <= PARTS; part++) {
  test(`moveStore() that is killed at any of its writes goes on with it, part ${part} of ${PARTS}`, async () => {
    await withStores(async (newUrl, newFile) => {
      const whole = await moveHere(newFile(), newUrl());
      let count = part;
      // To be killed after a write is to be killed before the next one.
      for (let isDone = false; !isDone; count += PARTS) {
        const [file, url] = [newFile(), newUrl()];
        const moved = await moveOnce(file, url, "before", count);
        isDone = moved !== undefined;
        const { digest, counts } = moved ?? await moveHere(file, url);
        assert.deepEqual({ digest, counts }, { digest: whole.digest, counts: whole.counts });
        assert.equal(await canServe(file), false);
      }
      assert.ok(count > tables.length, `${count} writes`);
    });
  });
}

test("moveStore() that is killed again and again comes to its end, and only one side is ever served", async () => {
  await withStores(async (newUrl, newFile) => {
    const [file, url, back] = [newFile(), newUrl(), `${newFile()}.back`];
    const there = (await moveOnce(file, url, "before", Infinity))!;
    let moved: Moved | undefined;
    for (let count = 1; !moved; count++) {
      moved = await moveOnce(url, back, "after", count);
      if (await canServe(back)) assert.equal(await isMoved(url), true);
    }
    assert.deepEqual([moved.digest, moved.counts], [there.digest, there.counts]);
    assert.deepEqual(await contents(back), await contents(file));
  });
});

async function canServe(file: string): Promise<boolean> {
  const store = openSqlite(file, systemClock);
  try {
    await store.serve();
    return true;
  } catch {
    return false;
  } finally {
    await store.close();
  }
}

async function isMoved(url: string): Promise<boolean> {
  const side = await openPostgresTransfer(parsePostgresUrl(url), false);
  const mark = await side.mark();
  await side.close();
  return mark?.isDone === true;
}

async function contents(file: string): Promise<unknown[]> {
  const side = openSqliteTransfer(file, systemClock);
  const all: unknown[] = [await side.observed()];
  for (const table of tables) all.push(await side.page({ ...table, isWhole: true }, undefined, SMALL));
  await side.close();
  return all;
}
