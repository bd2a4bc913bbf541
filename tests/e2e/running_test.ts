/** What nobody sees: whether the relay runs, what it refuses, and under which config it goes on. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

import { isLockHeld } from "../../lib/store/sqlite/lock.ts";
import { VERSION } from "../../lib/version.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";

const event = (number: number) => `{"event":"note.failed","data":{"note_id":"${number}"}}`;

const target = `crm: http({ url: "http://127.0.0.1:1", retry: ["1h"], circuit: false })`;

/** A config that sends everything to a target where nothing listens. */
const config = (more = "", admin = "{ port: 0 }") =>
  configOf({ admin, targets: target, routes: `{ on: "**", to: "crm" }`, more });

const forged = { signature: `sha256=${"0".repeat(64)}` };

async function withRelay(work: (relay: RunningRelay, adminUrl: string) => Promise<void>, more = ""): Promise<void> {
  const relay = await startRelay(config(more));
  try {
    await work(relay, await relay.adminUrl());
  } finally {
    await relay.close();
  }
}

async function textOf(folder: string, args: string[] = []): Promise<string> {
  const { code, stdout, stderr } = await runRelay(["status", ...args], { cwd: folder });
  assert.equal(code, 0, stderr);
  return stdout;
}

const jsonOf = async (folder: string, args: string[] = []) => JSON.parse(await textOf(folder, ["--json", ...args]));

/** Writes a config, reloads, and resolves once the relay has said what it makes of it. */
async function reload(relay: RunningRelay, text: string): Promise<void> {
  const told = () => relay.log().filter(({ message }) => /^(reloaded|config not reloaded)/.test(`${message}`)).length;
  const before = told();
  writeFileSync(join(relay.folder, "relay.config.ts"), text);
  process.kill(relay.child.pid!, "SIGHUP");
  await until("the reload", () => told() > before);
}

test("status says first whether the relay runs: from start to stop, and after a kill", async () => {
  const folder = makeFolder();
  let relay = await startRelay(config(), { folder: folder.path });
  try {
    const adminUrl = await relay.adminUrl();
    const up = await until("its listeners", async () => {
      const told = await jsonOf(folder.path);
      return told.listeners.length === 2 && told;
    });
    assert.deepEqual([up.running, up.pid, up.version, up.stoppedAt], [true, relay.child.pid, VERSION, null]);
    assert.deepEqual(up.listeners, [{ name: "listen", url: relay.url }, { name: "admin", url: adminUrl }]);
    assert.ok(Date.parse(up.since) <= Date.parse(up.lastHeardAt), up.since);
    assert.match(
      await textOf(folder.path),
      new RegExp(
        `^ {2}Relay +${VERSION}, running since [\\d:]+ \\(.* ago\\), pid ${relay.child.pid}\n` +
          ` {2}Webhooks +${relay.url}\n {2}Pages +${adminUrl}\n {2}Last event +never\n {2}Last delivery +never\n`,
        "m",
      ),
    );

    await relay.end();
    const stopped = await jsonOf(folder.path);
    const { running, pid, since, version, listeners } = stopped;
    assert.deepEqual([running, pid, since, version, listeners], [false, null, null, null, []]);
    assert.ok(Date.parse(stopped.stoppedAt) >= Date.parse(up.since));
    assert.match(
      await textOf(folder.path),
      /^\d things? needs? attention\n✗ No relay is running: the last one was stopped .* ago \([\d:]+\)\n {2}Start one with `relay serve`/,
    );

    relay = await startRelay(config(), { folder: folder.path });
    await relay.end("SIGKILL");
    const killed = await jsonOf(folder.path);
    assert.deepEqual([killed.running, killed.pid, killed.stoppedAt], [false, null, null]);
    assert.ok(Date.parse(killed.lastHeardAt) >= Date.parse(stopped.stoppedAt));
    assert.match(
      await textOf(folder.path),
      /^\d things? needs? attention\n✗ No relay is running: the last one crashed or was killed; its last sign of life was .* ago/,
    );
  } finally {
    await relay.close();
    folder.remove();
  }
});

test("a relay that cannot start says nothing over the one that runs", async () => {
  await withRelay(async (relay) => {
    await until("its word", async () => (await jsonOf(relay.folder)).pid === relay.child.pid);
    const second = await runRelay(["serve"], { cwd: relay.folder });
    assert.equal(second.code, 1);
    assert.match(second.stderr, /another relay serves it/);
    const told = await jsonOf(relay.folder);
    assert.deepEqual([told.running, told.pid, told.stoppedAt], [true, relay.child.pid, null]);
  });
});

test("looking whether a relay runs never keeps one from starting, however often it is done", async () => {
  const folder = makeFolder();
  const path = join(folder.path, "relay.db");
  let relay = await startRelay(config(), { folder: folder.path });
  let isOver = false;
  let looks = 0;
  const look = async () => {
    for (; !isOver; await sleep(0)) {
      for (let count = 0; count < 20; count++) {
        isLockHeld(path);
        looks++;
      }
    }
  };
  const looker = look();
  try {
    for (let round = 0; round < 10; round++) {
      await relay.end(round % 2 ? "SIGKILL" : "SIGTERM");
      relay = await startRelay(config(), { folder: folder.path });
    }
  } finally {
    isOver = true;
    await looker;
    await relay.close();
    folder.remove();
  }
  assert.equal(isLockHeld(path), false);
  assert.ok(looks > 1_000, `${looks} looks: none of them waits`);
});

test("status, API and /readyz?verbose show refused requests by source and reason, and how to find out why", async () => {
  await withRelay(async (relay, adminUrl) => {
    assert.match(await textOf(relay.folder), /^ {2}Refused +none in the last hour$/m);
    for (let count = 0; count < 3; count++) await relay.post(event(count), forged);
    await relay.post(event(1), { signature: null });
    await relay.post("[]");
    await fetch(`${relay.url}/nowhere`, { method: "POST" }).then((response) => response.text());
    const expected = [["signature_wrong", 3], ["body_invalid", 1], ["signature_missing", 1]];
    const counted = (refusals: { source: string; reason: string; count: number }[]) =>
      refusals.map(({ source, reason, count }) => (assert.equal(source, "connectvets"), [reason, count])).sort();
    const { refusals } = await until("the store to have them", async () => {
      const told = await jsonOf(relay.folder);
      return told.refusals.length === 3 && told;
    });
    assert.deepEqual(counted(refusals), expected.toSorted());
    assert.equal(refusals[0].reason, "signature_wrong", "the most first");
    const { refusals: shown } = await (await fetch(`${adminUrl}/api/status`)).json();
    assert.deepEqual(shown, refusals);

    const text = await textOf(relay.folder);
    assert.match(text, /^✗ 5 requests to connectvets refused in the last hour, the last \d+ sec\. ago$/m);
    assert.match(text, /^ {2}wrong signature \(3\): The sender signs with another secret/m);
    assert.match(text, /^ {2}Refused +5 requests in the last hour \(wrong signature, /m);
    assert.match(text, /^ {2}Run `relay verify --signature S FILE` to see /m);
    const ready = await (await fetch(`${adminUrl}/readyz?verbose`)).text();
    assert.match(ready, /^\[!\]requests to connectvets refused: signature_wrong, 3 in the last hour, last at 20.*Z$/m);

    await relay.end("SIGKILL");
    assert.deepEqual((await jsonOf(relay.folder)).refusals, refusals, "what the store has outlives a crash");
  });
});

test("a refused reload is told with its mistakes until a sound one, by status, API and /readyz?verbose", async () => {
  await withRelay(async (relay, adminUrl) => {
    const ready = async (path = "?verbose") => {
      const response = await fetch(`${adminUrl}/readyz${path}`);
      return [response.status, await response.text()] as const;
    };
    assert.deepEqual(await ready(), [
      200,
      "[+]store ok\n[+]config ok\n[+]requests ok\n[+]target crm ok\nreadyz check passed\n",
    ]);
    await reload(relay, config().replace('to: "crm"', 'to: "crn"'));
    await reload(relay, config().replace('to: "crm"', 'to: "cmr"'));
    const told = await until("the refusal", async () => {
      const told = await jsonOf(relay.folder);
      return told.reload?.mistakes[0].message.includes('"cmr"') && told;
    });
    assert.equal(told.reload.mistakes[0].path, "routes[0].to");
    assert.deepEqual(told.config.mistakes, told.reload.mistakes);
    assert.deepEqual(told.targets.map(({ name, state }: Record<string, unknown>) => [name, state]), [["crm", "ok"]]);
    const [status, text] = await ready();
    assert.equal(status, 200, "it takes events as before");
    assert.match(
      text,
      /^\[!\]config not reloaded since 20.*Z, the previous one stays in use: .*\n {3}routes\[0\]\.to: unknown /m,
    );
    assert.deepEqual(await ready(""), [200, "OK"]);
    const lines = (await textOf(relay.folder)).split("\n");
    assert.match(lines[1]!, /^✗ The relay refused a new config .* ago \([\d:]+\) and runs with the old one$/);
    assert.match(lines[2]!, /^ {2}Cannot load .*: 1 mistake$/);
    assert.match(lines[3]!, /^ {2}routes\[0\]\.to: .*"cmr"/);
    assert.match(lines[4]!, /^ {2}Correct it, then load it with /);
    assert.equal(lines.filter((line) => line.includes("cmr")).length, 1, "what is wrong is told once");
    const portuguese = await runRelay(["status", "--locale", "pt-BR"], { cwd: relay.folder });
    assert.match(
      portuguese.stdout,
      /Não foi possível carregar .*: 1 erro\n {2}routes\[0\]\.to: o destino "cmr" não existe/,
    );

    writeFileSync(join(relay.folder, "relay.config.ts"), config());
    assert.match(
      await textOf(relay.folder),
      /^ {2}The config on disk is valid now\. Load it with `systemctl reload relay`/m,
    );
    await reload(relay, config());
    await until("its end", async () => (await jsonOf(relay.folder)).reload === null);
    assert.match((await ready())[1], /^\[\+\]config ok$/m);
  });
});

test("/readyz?verbose says that the store fails, answers as /readyz does, and is not on the public listener", async () => {
  await withRelay(async (relay, adminUrl) => {
    await relay.post(event(1));
    await until("the failure", async () => (await jsonOf(relay.folder)).targets[0].state === "failing");
    const path = join(relay.folder, "relay.db");
    renameSync(path, `${path}.away`);
    const response = await fetch(`${adminUrl}/readyz?verbose`);
    const text = await response.text();
    assert.equal(response.status, 503);
    assert.match(text, /^\[-\]store failed: Cannot write to the store: .*relay\.db is gone\n/);
    assert.match(text, /^\[!\]target crm failing: 1 waiting, 0 dead, last failure connection_refused$/m);
    assert.match(text, /\nreadyz check failed\n$/);
    renameSync(`${path}.away`, path);
    const elsewhere = await fetch(`${relay.url}/readyz?verbose`);
    await elsewhere.text();
    assert.equal(elsewhere.status, 404);
  });
});

test("status works beside a bad config, wherever the store lies, and names the mistake", async () => {
  const good = config(`store: "sqlite:data/events.db",`);
  const folder = makeFolder();
  mkdirSync(join(folder.path, "data"));
  const relay = await startRelay(good, { folder: folder.path });
  try {
    await relay.post(event(1));
    await until("the attempt", async () => (await jsonOf(folder.path)).targets[0].lastReason !== null);
    await relay.end();
    const broken: [text: string, mistake: RegExp][] = [
      [good.replace('to: "crm"', 'to: "crn"'), /unknown target "crn"/],
      [good.replace("});", ""), /./],
      [`throw new Error("out of order");\n${good.replace('store: "', 'store:\n  "')}`, /out of order/],
      [`import "./not-there.ts";\n${good}`, /not-there/],
    ];
    for (const [text, mistake] of broken) {
      writeFileSync(join(folder.path, "relay.config.ts"), text);
      const told = await jsonOf(folder.path);
      assert.match(told.config.mistakes[0].message, mistake);
      assert.deepEqual([told.running, told.store], [false, join(folder.path, "data/events.db")]);
      assert.deepEqual(
        told.targets.map(({ name, state, lastReason }: Record<string, unknown>) => [name, state, lastReason]),
        [["crm", "failing", "connection_refused"]],
      );
      const lines = (await textOf(folder.path)).split("\n");
      assert.match(lines[1]!, /^✗ No relay is running/);
      assert.match(lines[3]!, /^✗ The config on disk cannot be used$/);
      assert.match(lines[4]!, /^ {2}Cannot load .*: \d mistakes?$/);
      assert.match(lines[5]!, mistake);
    }
    rmSync(join(folder.path, "data"), { recursive: true });
    const none = await runRelay(["status"], { cwd: folder.path });
    assert.deepEqual([none.code, none.stdout], [78, ""]);
    assert.match(none.stderr, /not-there/);
    assert.equal(existsSync(join(folder.path, "data")), false);
  } finally {
    await relay.close();
    folder.remove();
  }
});

test("status calls a target that delivers again, but has dead letters, by that name", async () => {
  let isUp = false;
  const sink = await startSink((response) => void response.writeHead(isUp ? 200 : 400).end());
  const relay = await startRelay(
    configOf({ targets: `crm: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "crm" }` }),
  );
  const state = async () => (await jsonOf(relay.folder)).targets[0].state;
  try {
    await relay.post(event(1));
    await until("the dead letter", async () => await state() === "failing");
    assert.match(await textOf(relay.folder), /^ {2}crm +failing /m);
    isUp = true;
    await relay.post(event(2));
    await until("the delivery", async () => await state() === "dead_letters");
    assert.match(await textOf(relay.folder), /^ {2}crm +has dead letters /m);
    await runRelay(["retry", "--dead", "--yes"], { cwd: relay.folder });
    await until("all of it", async () => await state() === "ok");
  } finally {
    await relay.close();
    await sink.close();
  }
});
