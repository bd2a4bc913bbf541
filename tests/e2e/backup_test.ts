/** `relay backup` and `relay restore`: the drill, while events come in, and what must not go wrong. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { configOf, executable, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
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

    const early = await run("restore", "copy.db");
    assert.equal(early.code, 1);
    assert.match(early.stderr, /another relay serves it\n {2}hint: stop that relay first/);
    await drill.relay.end("SIGKILL");
    const restored = await run("restore", "copy.db");
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stdout, /The waiting deliveries go out after the next start/);
    const [, aside] = restored.stdout.match(/The previous store is now (\S+)/)!;
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
    assert.match(over.stderr, /the file already exists\n {2}hint: choose another name/);
    const nowhere = await run("backup", "not/there.db");
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /^Cannot back up .*: there is no such file or folder: .* \(ENOENT\)/);
    assert.deepEqual(readdirSync(folder).filter((name) => /part|there/.test(name)), []);
  });
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`backup leaves nothing behind where ${signal} stops it, and restore leaves the store as it is`, async () => {
    const folder = makeFolder();
    try {
      writeFileSync(
        join(folder.path, "relay.config.ts"),
        configOf({ targets: `crm: http({ url: "http://127.0.0.1:9" })`, routes: `{ on: "**", to: "crm" }` }),
      );
      makeLarge(join(folder.path, "relay.db"));
      copyFileSync(join(folder.path, "relay.db"), join(folder.path, "whole.db"));
      const before = readdirSync(folder.path).sort();
      const runs: [args: string[], partOf: (pid: number) => string][] = [
        [["backup", "copy.db"], (pid) => `copy.db.${pid}.part/copy`],
        [["restore", "whole.db", "--yes"], (pid) => `relay.db.${pid}.part`],
      ];
      for (const [args, partOf] of runs) {
        const child = spawn(executable, args, { cwd: folder.path, stdio: "ignore" });
        const ended = new Promise((resolve) => child.on("close", resolve));
        const name = partOf(child.pid!);
        await until("the copy to grow", () => statSync(join(folder.path, name), { throwIfNoEntry: false })?.size);
        process.kill(child.pid!, signal);
        assert.equal(await ended, 130);
        const after = readdirSync(folder.path).filter((name) => !/-wal$|-shm$|\.lock$/.test(name));
        assert.deepEqual(after.sort(), before);
      }
    } finally {
      folder.remove();
    }
  });
}

/** Makes a store that takes long enough to copy, and leaves it whole. */
function makeLarge(path: string): void {
  openSqlite(path, systemClock).close();
  const db = new DatabaseSync(path);
  try {
    db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
      INSERT INTO events SELECT i, randomblob(16), 'connectvets', 'note.failed', i, 0, '{}', zeroblob(1000000), NULL FROM n`);
    db.exec("PRAGMA journal_mode = DELETE");
  } finally {
    db.close();
  }
}

test("backup takes away no file of its user's that is named like a part of it", async () => {
  await withRelay(async ({ folder, run }) => {
    writeFileSync(join(folder, "copy.db.part"), "mine");
    assert.equal((await run("backup", "copy.db")).code, 0);
    assert.equal(readFileSync(join(folder, "copy.db.part"), "utf8"), "mine");
  });
});

test("restore leaves nothing in the new store's way, be it a link that leads nowhere", async () => {
  const folder = makeFolder();
  try {
    const run = (...args: string[]) => runRelay(args, { cwd: folder.path });
    const config = configOf({
      targets: 'crm: http({ url: "http://127.0.0.1:9/" })',
      routes: '{ on: "**", to: "crm" }',
    });
    const first = await startRelay(config, { folder: folder.path });
    assert.equal((await run("backup", "copy.db")).code, 0);
    await first.end();
    for (const suffix of ["-wal", "-shm", "-journal"]) {
      symlinkSync(join(folder.path, "nowhere"), join(folder.path, `relay.db${suffix}`));
      const { code, stderr } = await run("restore", "copy.db", "--yes");
      assert.equal(code, 0, `${suffix}: ${stderr}`);
      assert.equal((await run("status")).code, 0, suffix);
    }
    assert.ok(!existsSync(join(folder.path, "nowhere")));
  } finally {
    folder.remove();
  }
});

test("restore where the store is gone, but its log is left, gives the copy and nothing of that log", async () => {
  await withRelay(async ({ folder, run, relay }) => {
    await relay.post(eventOf("copied"));
    assert.equal((await run("backup", "copy.db")).code, 0);
    for (let number = 0; number < 30; number++) await relay.post(eventOf(`w-${number}`));
    await relay.end("SIGKILL");
    rmSync(join(folder, "relay.db"));
    const wal = readFileSync(join(folder, "relay.db-wal"));
    assert.ok(wal.byteLength > 0);
    const restored = await run("restore", "copy.db", "--yes");
    assert.equal(restored.code, 0, restored.stderr);
    assert.doesNotMatch(restored.stdout, /The store that was there/);
    const [kept] = readdirSync(folder).filter((name) => /^relay\.db\.\d.*-wal$/.test(name));
    assert.deepEqual(readFileSync(join(folder, kept!)), wal);
    const { stdout } = await run("events", "--json");
    assert.equal(JSON.parse(stdout).length, 1, stdout);
    const again = await run("backup", "again.db", "--json");
    assert.equal(JSON.parse(again.stdout).events, 1, again.stderr);
  });
});

test("backup gives no copy a name beside which a log of another store lies", async () => {
  await withRelay(async ({ folder, run }) => {
    writeFileSync(join(folder, "copy.db-wal"), "of another");
    const { code, stderr } = await run("backup", "copy.db");
    assert.equal(code, 1);
    assert.match(stderr, /a file of that name and -wal exists\n {2}hint: choose another name/);
    assert.equal(readFileSync(join(folder, "copy.db-wal"), "utf8"), "of another");
  });
});

test("restore keeps every store that it replaces, also of the same second", async () => {
  await withRelay(async ({ run, relay }) => {
    await run("backup", "empty.db");
    await relay.post(eventOf("kept"));
    await relay.end();
    const replaced: string[] = [];
    for (let number = 0; number < 4; number++) {
      replaced.push(JSON.parse((await run("restore", "empty.db", "--yes", "--json")).stdout).replaced);
    }
    assert.equal(new Set(replaced).size, 4);
    const counts = replaced.map((path) => {
      const db = new DatabaseSync(path, { readOnly: true });
      const { count } = db.prepare("SELECT count(*) AS count FROM events").get() as { count: number };
      db.close();
      return count;
    });
    assert.deepEqual(counts, [1, 0, 0, 0]);
    const back = await run("restore", replaced[0]!, "--yes", "--json");
    assert.equal(JSON.parse(back.stdout).events, 1, "a store that was kept can be put back");
  });
});

const isRoot = process.getuid?.() === 0;

test("restore by root on a new machine makes store and lock the folder's owner's", {
  skip: isRoot ? false : "needs root",
}, async () => {
  await withRelay(async ({ folder, run }) => {
    await run("backup", "copy.db");
    const machine = makeFolder();
    try {
      chownSync(machine.path, 65_534, 65_534);
      writeFileSync(join(machine.path, "relay.config.ts"), readFileSync(join(folder, "relay.config.ts")));
      const restored = await runRelay(["restore", join(folder, "copy.db"), "--yes"], { cwd: machine.path });
      assert.equal(restored.code, 0, restored.stderr);
      for (const name of readdirSync(machine.path).filter((name) => name.startsWith("relay.db"))) {
        assert.equal(statSync(join(machine.path, name)).uid, 65_534, name);
      }
    } finally {
      machine.remove();
    }
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
        ["other.db", /not a relay store/],
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

test("backup says in the user's language why the copying failed, which another process does", async () => {
  const folder = makeFolder();
  try {
    const config = configOf({ targets: 'crm: http({ url: "http://127.0.0.1:1" })', routes: '{ on: "**", to: "crm" }' });
    writeFileSync(join(folder.path, "relay.config.ts"), config);
    writeFileSync(
      join(folder.path, "relay.db"),
      "no database, but a text that is long enough to be looked at ".repeat(20),
    );
    const said = await runRelay(["backup", "copy.db", "--locale", "pt-BR"], { cwd: folder.path });
    assert.equal(said.code, 1);
    assert.match(
      said.stderr,
      /^Não foi possível fazer o backup de .*relay\.db em .*copy\.db: o arquivo não é um banco de dados\n {2}dica: guarde /,
    );
    const json = await runRelay(["backup", "copy.db", "--locale", "pt-BR", "--json"], { cwd: folder.path });
    assert.match(JSON.parse(json.stdout).error, /^Cannot back up .*: the file is not a database$/);
  } finally {
    folder.remove();
  }
});

test("restore asks on a terminal, and changes nothing for a no", needsTerminal, async () => {
  await withRelay(async ({ folder, run, relay }) => {
    await run("backup", "copy.db");
    await relay.end();
    const terminal = runOnTerminal(["restore", "copy.db"], { cwd: folder });
    try {
      await terminal.shows(/Replace .*relay\.db with .*copy\.db \(0 events; 0 deliveries waiting, 0 dead\)\? \[y\/N\]/);
      terminal.type("n\r");
      assert.equal(await terminal.exited, 1);
      assert.match(terminal.output(), /Nothing was changed/);
    } finally {
      await terminal.close();
    }
    assert.deepEqual(readdirSync(folder).filter((name) => /relay\.db\.\d/.test(name)), []);
  });
});
