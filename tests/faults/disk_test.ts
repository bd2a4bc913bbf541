/** Disk faults: what cannot be written is not acknowledged, and all goes on once the disk is mended, without a restart. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, executable, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";

const body = (name: string) => JSON.stringify({ event: "note.failed", data: { note_id: name } });

/** A config whose store lies in `data`, and whose admin listener is on. */
const configTo = (url: string, more = "") =>
  configOf({
    targets: `sink: http({ url: "${url}" })`,
    routes: `{ on: "**", to: "sink" }`,
    more: `store: "sqlite:data/relay.db", ${more}`,
    admin: "{ port: 0 }",
  });

/** Runs a program with a disk of its own at `data`, of so many bytes, that nobody else sees and that goes when it ends. */
const onSmallDisk = (bytes: number) => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  `mount -t tmpfs -o size=${bytes} tmpfs data && exec "$0" "$@"`,
  executable,
];

const canMount = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
const needsMount = { skip: canMount ? false : "making a small disk needs root" };

/** Starts a relay whose store lies in `data`, and a sink that it delivers to. */
async function withRelay(
  work: (relay: RunningRelay, sink: Sink, readiness: () => Promise<number>) => Promise<void>,
  command?: string[],
  more = "",
): Promise<void> {
  const sink = await startSink();
  const folder = makeFolder();
  mkdirSync(join(folder.path, "data"));
  const relay = await startRelay(configTo(sink.url, more), { folder: folder.path, command });
  try {
    const { adminPort } = await relay.logged("the admin listener", (record) => record.adminPort !== undefined);
    const readiness = async () => {
      const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
      await response.text();
      return response.status;
    };
    await work(relay, sink, readiness);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
}

/** Posts until it is refused for the store, and checks that the sender and the operator are told. */
async function expectRefusal(relay: RunningRelay, readiness: () => Promise<number>, problem: RegExp): Promise<void> {
  const [refused, ready] = await Promise.all([relay.post(body("refused")), readiness()]);
  assert.deepEqual([refused.status, ready], [503, 503]);
  assert.match(refused.headers.get("Retry-After") ?? "", /^\d+$/);
  const told = await relay.logged(
    "an error that says why",
    ({ level, reason }) => level === "error" && reason === "store_failed",
  );
  assert.match(`${told.problem}`, problem);
  assert.match(`${told.message}`, /: store_failed, Cannot .*; ./, "what cannot be done, and a hint");
}

/** Checks that what was refused can be sent again, and arrives once. */
async function expectRecovery(relay: RunningRelay, sink: Sink, readiness: () => Promise<number>): Promise<void> {
  const again = await relay.post(body("refused"));
  assert.deepEqual([again.status, again.text], [200, "OK"], "nothing is left of what was refused");
  assert.equal(await readiness(), 200);
  const noteOf = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)).data.note_id;
  await until("the event to arrive", () => sink.requests.some(({ body }) => noteOf(body) === "refused"));
  assert.equal(sink.requests.filter(({ body }) => noteOf(body) === "refused").length, 1);
}

test("relay on a full disk answers 503, delivers what it has, and goes on when there is room", needsMount, async () => {
  await withRelay(async (relay, sink, readiness) => {
    assert.equal((await relay.post(body("before"))).status, 200);
    await sink.received(1);
    // Through its /proc entry: nobody else sees that disk.
    const filler = join("/proc", `${relay.child.pid}`, "root", relay.folder, "data", "filler");
    fill(filler);
    await expectRefusal(relay, readiness, /full/);
    rmSync(filler);
    await expectRecovery(relay, sink, readiness);
  }, onSmallDisk(3 * 1024 ** 2));
});

test("relay is not ready while its disk has room for the least write, but for no event", needsMount, async () => {
  const large = (name: string) =>
    JSON.stringify({ event: "note.failed", data: { note_id: name, text: "x".repeat(300_000) } });
  await withRelay(async (relay, sink, readiness) => {
    const filler = join("/proc", `${relay.child.pid}`, "root", relay.folder, "data", "filler");
    writeFileSync(filler, Buffer.alloc(1024 ** 2));
    let stored = 0;
    while ((await relay.post(large(`${stored}`))).status === 200) stored++;
    assert.equal((await relay.post(large("0"))).text, "Already processed");
    assert.equal(await readiness(), 503);
    rmSync(filler);
    assert.equal((await relay.post(large(`${stored}`))).text, "OK");
    assert.equal(await readiness(), 200);
    await sink.received(stored + 1);
  }, onSmallDisk(4 * 1024 ** 2));
});

test("relay records what it delivered while the disk was full, and delivers it once", needsMount, async () => {
  const held: (() => void)[] = [];
  const sink = await startSink((response) => void held.push(() => response.end("ok")));
  const folder = makeFolder();
  mkdirSync(join(folder.path, "data"));
  const command = onSmallDisk(3 * 1024 ** 2);
  const relay = await startRelay(configTo(sink.url), { folder: folder.path, command });
  try {
    assert.equal((await relay.post(body("held"))).status, 200);
    await sink.received(1);
    const filler = join("/proc", `${relay.child.pid}`, "root", relay.folder, "data", "filler");
    fill(filler);
    for (const answer of held) answer();
    await relay.logged("a record that failed", ({ message }) => `${message}`.startsWith("cannot record an attempt"));
    rmSync(filler);
    await until("the record", async () => {
      const { adminPort } = relay.log().find((record) => record.adminPort !== undefined)!;
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return metrics.includes(`relay_delivery_backlog{target="sink"} 0`);
    });
    assert.equal(sink.requests.length, 1);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("relay whose store's folder is moved away answers 503, and goes on when it is back", async () => {
  await withRelay(async (relay, sink, readiness) => {
    assert.equal((await relay.post(body("before"))).status, 200);
    await sink.received(1);
    const [data, away] = [join(relay.folder, "data"), join(relay.folder, "away")];
    renameSync(data, away);
    await expectRefusal(relay, readiness, /relay\.db is gone/);
    renameSync(away, data);
    await expectRecovery(relay, sink, readiness);
  });
});

test("relay whose store's write-ahead log is deleted acknowledges nothing more, and loses nothing in a restart", async () => {
  await withRelay(async (relay, sink, readiness) => {
    assert.equal((await relay.post(body("before"))).status, 200);
    await sink.received(1);
    rmSync(join(relay.folder, "data", "relay.db-wal"));
    await expectRefusal(relay, readiness, /relay\.db-wal is gone/);
    await relay.end();
    const again = await startRelay(configTo(sink.url), { folder: relay.folder });
    try {
      assert.equal((await again.post(body("before"))).text, "Already processed");
    } finally {
      await again.close();
    }
  });
});

test("relay whose store was replaced by another file writes to neither of them", async () => {
  await withRelay(async (relay, sink, readiness) => {
    const [file, away] = [join(relay.folder, "data", "relay.db"), join(relay.folder, "data", "away.db")];
    renameSync(file, away);
    writeFileSync(file, "");
    await expectRefusal(relay, readiness, /another file/);
    assert.equal(readFileSync(file).length, 0);
    renameSync(away, file);
    await expectRecovery(relay, sink, readiness);
  });
});

test("relay whose store is locked goes on answering, refuses after a while, and goes on when it is free", async () => {
  await withRelay(async (relay, sink, readiness) => {
    const other = new DatabaseSync(join(relay.folder, "data", "relay.db"));
    try {
      other.exec("PRAGMA busy_timeout = 5000"); // the relay may be writing at this moment
      other.exec("BEGIN IMMEDIATE");
      const refusal = expectRefusal(relay, readiness, /locked/);
      for (let i = 0; i < 20; i++) assert.equal((await fetch(`${relay.url}/healthz`)).status, 200);
      assert.equal(relay.log().some(({ reason }) => reason === "store_failed"), false, "it answers while it waits");
      await refusal;
      other.exec("ROLLBACK");
      await expectRecovery(relay, sink, readiness);
    } finally {
      other.close();
    }
  });
});

test("relay whose store is locked stops within its drain and little more", async () => {
  await withRelay(
    async (relay, sink) => {
      assert.equal((await relay.post(body("before"))).status, 200);
      await sink.received(1);
      const other = new DatabaseSync(join(relay.folder, "data", "relay.db"));
      try {
        other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
        const late = relay.post(body("late")).then(({ status }) => status, () => 0);
        await sleep(100);
        const startedAt = Date.now();
        assert.equal(await relay.end(), 0);
        assert.ok(Date.now() - startedAt < 4_500, "it does not wait for the lock as long as a write does");
        assert.notEqual(await late, 200);
      } finally {
        other.close();
      }
    },
    [executable],
    'drain: "1s",',
  );
});

test("relay takes an event that waits for a short lock", async () => {
  await withRelay(async (relay) => {
    const other = new DatabaseSync(join(relay.folder, "data", "relay.db"));
    try {
      other.exec("PRAGMA busy_timeout = 5000"); // the relay may be writing at this moment
      other.exec("BEGIN IMMEDIATE");
      const posted = relay.post(body("patient"));
      setTimeout(() => other.exec("ROLLBACK"), 300);
      assert.equal((await posted).status, 200);
    } finally {
      other.close();
    }
  });
});

test("relay refuses to start on a disk that cannot be written, and says so", needsMount, async () => {
  await withStore(async (folder) => {
    const readOnly = `mount --bind data data && mount -o remount,bind,ro data && exec "$0" serve`;
    const run = spawnSync("unshare", ["--mount", "sh", "-c", readOnly, executable], { cwd: folder, encoding: "utf8" });
    assert.equal(run.status, 1, run.stdout);
    assert.match(run.stderr, /Cannot open the store .*relay\.db: .*\n {2}hint: check that this user can write/);
  });
});

const damages: [what: string, damage: (file: string) => void][] = [
  ["has another file's content", (file) => writeFileSync(file, "x".repeat(20_000))],
  ["was cut short", (file) => truncateSync(file, 3 * 4096)],
  ["has a page of garbage", (file) => overwrite(file, 4 * 4096, "garbage ".repeat(512))],
  ["has a page of nothing", (file) => overwrite(file, 5 * 4096, "\0".repeat(4096))],
];

for (const [what, damage] of damages) {
  test(`relay refuses to serve a store that ${what}, leaves it as it is, and says what to do`, async () => {
    await withStore(async (folder) => {
      const file = join(folder, "data", "relay.db");
      damage(file);
      const before = readFileSync(file);
      const { code, stderr } = await runRelay(["serve"], { cwd: folder });
      assert.equal(code, 1);
      assert.match(stderr, /^Cannot (open|serve) the store .*relay\.db: .*(not a database|malformed|corrupt)/);
      assert.match(stderr, /hint: keep a copy of the file, then restore a backup/);
      assert.ok(readFileSync(file).equals(before), "the file was changed");
    });
  });
}

/** Gives a folder with a config and, in `data`, a store of some events that is closed. */
async function withStore(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  try {
    mkdirSync(join(folder.path, "data"));
    const relay = await startRelay(configTo("http://127.0.0.1:9"), { folder: folder.path });
    try {
      for (let i = 0; i < 50; i++) await relay.post(body(`note-${i}`));
    } finally {
      await relay.end();
      await relay.close();
    }
    await work(folder.path);
  } finally {
    folder.remove();
  }
}

function overwrite(file: string, at: number, text: string): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, text, at);
  closeSync(descriptor);
}

/** Writes until there is no room. */
function fill(file: string): void {
  const descriptor = openSync(file, "w");
  try {
    for (let i = 0; i < 10_000; i++) writeSync(descriptor, Buffer.alloc(4096));
    throw new Error("The disk is larger than expected");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(descriptor);
  }
}
