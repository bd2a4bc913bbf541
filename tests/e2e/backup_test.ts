/** `relay backup` and `relay restore`: the drill, while events come in, and what must not go wrong. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { sleep, until } from "../helpers/wait.ts";

const eventOf = (id: string) =>
  `{"event":"note.completed","timestamp":"2026-01-31T02:10:00Z","data":{"note_id":"${id}","status":"completed"}}`;

interface Drill {
  folder: string;
  sink: Sink;
  relay: RunningRelay;
  run(...args: string[]): ReturnType<typeof runRelay>;
  restart(): Promise<void>;
}

/** A relay with a target `crm`, in a folder that outlives it. */
async function withRelay(work: (drill: Drill) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  const sink = await startSink();
  const config = configOf({ targets: `crm: http({ url: "${sink.url}" })`, routes: '{ on: "**", to: "crm" }' });
  const drill: Drill = {
    folder: folder.path,
    sink,
    relay: await startRelay(config, { folder: folder.path }),
    run: (...args) => runRelay(args, { cwd: folder.path }),
    async restart() {
      drill.relay = await startRelay(config, { folder: folder.path });
    },
  };
  try {
    await work(drill);
  } finally {
    await drill.relay.close();
    await sink.close();
    folder.remove();
  }
}

const idsOf = (sink: Sink) => sink.requests.map(({ body }) => JSON.parse(body.toString()).data.note_id);

test("backup while events come in, stop, restore, start: all that was acknowledged before is there, and goes out", async () => {
  await withRelay(async (drill) => {
    const { folder, sink, run } = drill;
    await drill.relay.post(eventOf("delivered"));
    await sink.received(1);
    await drill.relay.end();
    await run("pause", "crm");
    await drill.restart();
    const acknowledged: string[] = [];
    let isPosting = true;
    const posting = (async () => {
      for (let number = 0; isPosting; number++) {
        assert.equal((await drill.relay.post(eventOf(`w-${number}`))).status, 200);
        acknowledged.push(`w-${number}`);
      }
    })();
    await until("some events", () => acknowledged.length >= 50);
    const before = [...acknowledged];
    const made = await run("backup", "copy.db", "--json");
    isPosting = false;
    await posting;
    assert.equal(made.code, 0, made.stderr);
    const { events, waiting, dead } = JSON.parse(made.stdout);
    assert.ok(events > before.length && events <= acknowledged.length + 1, `${events} of ${acknowledged.length}`);
    assert.deepEqual([waiting, dead], [events - 1, 0]);
    assert.equal(statSync(join(folder, "copy.db")).mode & 0o777, 0o600);

    const early = await run("restore", "copy.db", "--yes");
    assert.equal(early.code, 1);
    assert.match(early.stderr, /another relay serves it\n {2}hint: stop that one first/);
    await drill.relay.end();
    const restored = await run("restore", "copy.db", "--yes");
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stdout, /What waits is delivered after the next start/);
    const [, aside] = restored.stdout.match(/The store that was there is (\S+) now/)!;
    await run("resume", "crm");
    await drill.restart();
    await sink.received(events);
    await sleep(200);
    assert.equal(sink.requests.length, events);
    assert.deepEqual(idsOf(sink).sort(), ["delivered", ...acknowledged.slice(0, events - 1)].sort());
    const old = new DatabaseSync(aside!, { readOnly: true });
    assert.equal(Object.values(old.prepare("SELECT count(*) FROM events").get()!)[0], acknowledged.length + 1);
    old.close();
  });
});

test("backup writes over no file, and leaves nothing behind where it fails", async () => {
  await withRelay(async ({ folder, run }) => {
    writeFileSync(join(folder, "mine.db"), "mine");
    const over = await run("backup", "mine.db");
    assert.deepEqual([over.code, readFileSync(join(folder, "mine.db"), "utf8")], [1, "mine"]);
    assert.match(over.stderr, /there is a file already\n {2}hint: name another one/);
    const nowhere = await run("backup", "not/there.db");
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /^Cannot back up .*: ENOENT/);
    assert.deepEqual(readdirSync(folder).filter((name) => /part|there/.test(name)), []);
  });
});

test("restore takes nothing but a whole store of a relay that is no newer, and leaves the store as it is", async () => {
  await withRelay(async ({ folder, run, relay }) => {
    await run("backup", "copy.db");
    await relay.end();
    const store = readFileSync(join(folder, "relay.db"));
    const whole = readFileSync(join(folder, "copy.db"));
    const newer = new DatabaseSync(join(folder, "copy.db"));
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    writeFileSync(join(folder, "cut.db"), whole.subarray(0, whole.length - 4096));
    writeFileSync(join(folder, "text.db"), "no database, but a text that is long enough to be looked at ".repeat(20));
    new DatabaseSync(join(folder, "other.db")).exec("CREATE TABLE other (x)");
    for (
      const [name, problem] of [
        ["copy.db", /newer relay \(schema 99/],
        ["cut.db", /corrupt|malformed/],
        ["text.db", /not a database/],
        ["other.db", /no store of a relay/],
        ["none.db", /there is no such file/],
      ] as const
    ) {
      const { code, stderr } = await run("restore", name, "--yes");
      assert.equal(code, 1, name);
      assert.match(stderr, problem);
      assert.deepEqual(readFileSync(join(folder, "relay.db")), store, name);
    }
    assert.ok(!existsSync(join(folder, "relay.db.part")));
  });
});

test("restore asks on a terminal, and changes nothing for a no", needsTerminal, async () => {
  await withRelay(async ({ folder, run, relay }) => {
    await run("backup", "copy.db");
    await relay.end();
    const piped = await run("restore", "copy.db");
    assert.deepEqual([piped.code, /add --yes/.test(piped.stderr)], [2, true]);
    const terminal = runOnTerminal(["restore", "copy.db"], { cwd: folder });
    try {
      await terminal.shows(/Put .*copy\.db \(0 events; 0 deliveries wait, 0 dead\) in the place of .*\[y\/N\]/);
      terminal.type("n\r");
      assert.equal(await terminal.exited, 1);
      assert.match(terminal.output(), /Nothing is changed/);
    } finally {
      await terminal.close();
    }
    assert.deepEqual(readdirSync(folder).filter((name) => /relay\.db\.\d/.test(name)), []);
  });
});
