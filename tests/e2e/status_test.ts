/** `relay status` of the executable: before, beside and after `relay serve`. */

import assert from "node:assert/strict";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const event = (number: number) => `{"event":"note.failed","data":{"note_id":"${number}"}}`;

/** A config that sends everything to these targets, given as source text by their names. */
const configTo = (targets: Record<string, string>) =>
  configOf({
    targets: Object.entries(targets).map(([name, text]) => `${name}: ${text}`).join(", "),
    routes: `{ on: "**", to: ${JSON.stringify(Object.keys(targets))} }`,
  });

/** A target where nothing listens, which is tried once and then held. */
const down = (url = "http://127.0.0.1:1") =>
  `http({ url: "${url}", retry: ["10ms", "10ms", "10ms"], circuit: { failures: 1, pause: "1h" } })`;

/** Lines that `relay status` prints, without what is wide for alignment. */
async function linesOf(folder: string): Promise<string[]> {
  const { code, stdout, stderr } = await runRelay(["status"], { cwd: folder });
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, " | "));
}

async function jsonOf(folder: string) {
  const { code, stdout, stderr } = await runRelay(["status", "--json"], { cwd: folder });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const logged = (relay: RunningRelay, word: string, target: string) =>
  relay.logged(
    `${word} ${target}`,
    (record) => String(record.message).startsWith(word) && record.target === target,
  );

test("status says what to do where there is no store yet, and makes none", async () => {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "relay.config.ts"), configTo({ crm: down() }));
    const { code, stdout, stderr } = await runRelay(["status"], { cwd: folder.path });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Cannot read the store .*relay\.db: there is none yet\n {2}hint: start `relay serve`\n$/);
    const json = await runRelay(["status", "--json"], { cwd: folder.path });
    assert.deepEqual([json.code, JSON.parse(json.stdout).ok], [1, false]);
    assert.deepEqual(readdirSync(folder.path).filter((name) => name.includes("db")), []);
  } finally {
    folder.remove();
  }
});

test("status shows every target of the config where nothing has come in yet", async () => {
  const relay = await startRelay(configTo({ crm: down(), arquivo: down() }));
  try {
    chmodSync(join(relay.folder, "relay.config.ts"), 0o600); // which would be warned of
    const [calm, blank, runs, ...rest] = await linesOf(relay.folder);
    assert.deepEqual([calm, blank], ["Nothing needs attention", ""]);
    assert.match(runs!, /^Relay \| \d.*, running since /);
    assert.match(rest.find((line) => line.startsWith("Store"))!, /relay\.db \(0\.\d MB\): 0 waiting, 0 dead letters$/);
    assert.deepEqual(rest.slice(-6), [
      "",
      "Target | State | Waiting | Oldest | Dead | Last success | Last failure | Reason",
      "crm | ok | 0 | - | 0 | - | - | -",
      "arquivo | ok | 0 | - | 0 | - | - | -",
      "",
      "Times are in the time zone America/Sao_Paulo",
    ]);
  } finally {
    await relay.close();
  }
});

test("status shows the same beside a relay that serves and after it has stopped", async () => {
  const sink = await startSink((response, { path }) => {
    if (path === "/silent") return;
    response.statusCode = path === "/refuses" ? 400 : 200;
    response.end();
  });
  const at = (path: string) => `http({ url: "${sink.url}/${path}" })`;
  const config = configTo({ takes: at("takes"), refuses: at("refuses"), down: down(), silent: at("silent") });
  const relay = await startRelay(config.replace("routes:", 'drain: "0s", routes:'));
  try {
    for (const number of [1, 2]) await relay.post(event(number));
    for (const number of [1, 2]) {
      const count = (word: string, name: string) =>
        relay.log().filter(({ message, target }) => String(message).startsWith(word) && target === name).length;
      await relay.logged(`delivery ${number}`, () => count("delivered", "takes") >= number);
      await relay.logged(`burial ${number}`, () => count("dead", "refuses") >= number);
    }
    await logged(relay, "holding", "down");
    const shown = await linesOf(relay.folder);
    const patterns = [
      /^✗ refuses: 2 dead letters \(refused\), the oldest from an event received \d+ sec\. ago \([\d:]+\)$/,
      /^Then deliver again: `relay retry --dead --target refuses --reason refused`$/,
      /^✗ down is held until [\d:]+ \(in \d+ min\.\) after .*, connection refused: 2 deliveries wait$/,
      /^Last event \| \d+ sec\. ago \([\d:]+\)$/,
      /^Last delivery \| \d+ sec\. ago \([\d:]+\)$/,
      /\): 4 waiting, 2 dead letters$/,
      /^takes \| ok \| 0 \| - \| 0 \| \d+ sec\. ago \| - \| -$/,
      /^refuses \| failing \| 0 \| - \| 2 \| - \| \d+ sec\. ago \| refused$/,
      /^down \| held until [\d:]+ \| 2 \| \d+ sec \| 0 \| - \| \d+ sec\. ago \| connection refused$/,
      /^silent \| ok \| 2 \| \d+ sec \| 0 \| - \| - \| -$/,
    ];
    const places = patterns.map((pattern) => shown.findIndex((line) => pattern.test(line)));
    assert.deepEqual(places, places.toSorted((one, other) => one - other), shown.join("\n"));
    assert.ok(places[0]! > 0, shown.join("\n"));

    const beside = await jsonOf(relay.folder);
    assert.deepEqual(Object.keys(beside), [
      ...[
        "running",
        "pid",
        "since",
        "version",
        "listeners",
        "lastHeardAt",
        "stoppedAt",
        "reload",
        "config",
        "configChanged",
        "warnings",
        "refusals",
      ],
      ...["store", "bytes", "backlog", "dead", "lastReceivedAt", "lastDeliveredAt", "alarms", "targets"],
    ]);
    assert.deepEqual([beside.store, beside.backlog, beside.dead], [join(relay.folder, "relay.db"), 4, 2]);
    assert.ok(beside.bytes > 0);
    const [takes, refuses, held, silent] = beside.targets;
    const { lastDeliveredAt, ...rest } = takes;
    assert.match(lastDeliveredAt, /^20\d\d-\d\d-\d\dT.*Z$/);
    assert.deepEqual(rest, {
      name: "takes",
      pending: 0,
      inFlight: 0,
      dead: 0,
      oldestPendingAt: null,
      lastFailedAt: null,
      lastReason: null,
      circuitOpenUntil: null,
      throttledUntil: null,
      pausedAt: null,
      state: "ok",
    });
    assert.deepEqual([refuses.dead, refuses.lastReason], [2, "refused"]);
    assert.deepEqual([held.state, held.pending], ["open", 2]);
    assert.deepEqual([silent.pending, silent.inFlight], [2, 0]);

    assert.equal((await relay.post(event(1))).text, "Already processed", "it goes on serving");
    assert.equal(await relay.end(), 0);
    const after = await jsonOf(relay.folder);
    assert.deepEqual(after.targets, [takes, refuses, held, silent]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("status and the log tell of deliveries whose target is not in the config; they go out once it is back", async () => {
  const folder = makeFolder();
  const sink = await startSink();
  const crm = `http({ url: "${sink.url}/crm" })`;
  let relay = await startRelay(configTo({ antigo: down(), crm }), { folder: folder.path });
  try {
    for (const number of [1, 2]) await relay.post(event(number));
    await logged(relay, "holding", "antigo");
    await relay.end();

    relay = await startRelay(configTo({ crm }), { folder: folder.path });
    const warning = await relay.logged("the warning", ({ level, count }) => level === "warning" && count !== undefined);
    assert.deepEqual([warning.target, warning.count], ["antigo", 2]);
    assert.match(String(warning.message), /^2 deliveries wait for antigo, which is not in the config/);
    await relay.post(event(3));
    await sink.received(3);
    const lines = await linesOf(folder.path);
    assert.match(
      lines.at(-3)!,
      /^antigo \| not in the config \| 2 \| \d+ sec \| 0 \| - \| \d+ sec\. ago \| connection refused$/,
    );
    assert.equal((await jsonOf(folder.path)).targets.at(-1).state, "orphaned");
    await relay.end();

    relay = await startRelay(configTo({ antigo: down(`${sink.url}/antigo`), crm }), { folder: folder.path });
    await sink.received(5);
    const arrived = sink.requests.filter(({ path }) => path === "/antigo").map(({ body }) => body.toString());
    assert.deepEqual(arrived.sort(), [event(1), event(2)]);
    assert.doesNotMatch(relay.output(), /not in the config/);
    await relay.end();
    assert.deepEqual((await jsonOf(folder.path)).targets.map(({ state }: { state: string }) => state), [
      "ok",
      "ok",
    ]);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("status and the log leave out a target that is gone and has nothing left; status shows its dead deliveries", async () => {
  const folder = makeFolder();
  const sink = await startSink((response, { path }) => void response.writeHead(path === "/refuses" ? 400 : 200).end());
  const at = (path: string) => `http({ url: "${sink.url}/${path}" })`;
  const config = configTo({ antigo: at("takes"), recusa: at("refuses"), crm: at("takes") });
  let relay = await startRelay(config, { folder: folder.path });
  try {
    await relay.post(event(1));
    await logged(relay, "delivered", "antigo");
    await logged(relay, "dead", "recusa");
    await relay.end();
    relay = await startRelay(configTo({ crm: at("takes") }), { folder: folder.path });
    await relay.end();
    assert.doesNotMatch(relay.output(), /not in the config/);
    const { targets } = await jsonOf(folder.path);
    assert.deepEqual(
      targets.map(({ name, state, dead }: Record<string, unknown>) => [name, state, dead]),
      [["crm", "ok", 0], ["recusa", "orphaned", 1]],
    );
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("status prints no colours where it writes to no terminal", async () => {
  const relay = await startRelay(configTo({ crm: down() }));
  try {
    await relay.post(event(1));
    await logged(relay, "holding", "crm");
    const environments: Record<string, string>[] = [{}, { NO_COLOR: "1" }, { TERM: "xterm-256color" }];
    for (const env of environments) {
      const { stdout } = await runRelay(["status"], { cwd: relay.folder, env });
      assert.match(stdout, /held/);
      assert.equal(stdout, stripVTControlCharacters(stdout), JSON.stringify(env));
    }
  } finally {
    await relay.close();
  }
});
