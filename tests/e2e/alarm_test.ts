/** Alarms of the executable: one message when it begins and one when it ends, whatever comes between. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type Sink, type SinkRequest, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const event = (number: number) => `{"event":"note.failed","data":{"note_id":"${number}"}}`;

/** A config that sends everything to `crm` and alarms to `plantao`, whose message function takes notes alone. */
function configTo(sink: Sink, alerts: string): string {
  return configOf({
    targets: `crm: http({ url: "${sink.url}/crm", circuit: false }),
      plantao: http({ url: "${sink.url}/plantao", body: (e) => ({ note: e.data.note_id.length }) })`,
    routes: `{ on: "**", to: "crm" }`,
    more: `alerts: [${alerts}],`,
  });
}

const deadAlert = `{ when: { dead: 1 }, to: "plantao" }`;

/** A sink whose `/crm` refuses everything until it is mended, and again once it is broken. */
async function startClinic(): Promise<Sink & { mend(): void; break(): void }> {
  let isMended = false;
  const sink = await startSink((response, { path }) => {
    response.statusCode = path === "/crm" && !isMended ? 400 : 200;
    response.end();
  });
  return { ...sink, mend: () => isMended = true, break: () => isMended = false };
}

/** Messages that came in for `plantao`, each event once. */
function told(sink: Sink): { type: string; data: Record<string, unknown> }[] {
  const requests = sink.requests.filter(({ path }) => path === "/plantao");
  const once = new Map<unknown, SinkRequest>(requests.map((one) => [one.headers["relay-event-id"], one]));
  return [...once.values()].map(({ body }) => {
    const { event, data } = JSON.parse(body.toString());
    return { type: event, data };
  });
}

const types = (sink: Sink) => told(sink).map(({ type }) => type);

/** Resolves when `plantao` was told so many things. */
const toldOf = (sink: Sink, count: number) => until(`${count} alarms`, () => told(sink).length >= count);

/** Resolves when so many deliveries were given up. */
const buried = (relay: RunningRelay, count: number) =>
  relay.logged(
    `${count} dead letters`,
    () => relay.log().filter(({ message }) => String(message).startsWith("dead ")).length >= count,
  );

async function alarmsOf(folder: string): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await runRelay(["status", "--json"], { cwd: folder });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).alarms;
}

test("serve tells of dead letters once, across more of them and a kill, and once when they are gone", async () => {
  const folder = makeFolder();
  const sink = await startClinic();
  const config = configTo(sink, deadAlert);
  let relay = await startRelay(config, { folder: folder.path });
  try {
    await relay.post(event(0));
    await toldOf(sink, 1);
    const [begun] = told(sink);
    assert.deepEqual([begun!.type, begun!.data.alarm, begun!.data.limit], ["relay.alarm.begin", "dead", 1]);
    await Promise.all(Array.from({ length: 20 }, (_, index) => relay.post(event(index + 1))));
    await buried(relay, 21);
    assert.deepEqual((await alarmsOf(folder.path)).map(({ alarm, to }) => [alarm, to]), [["dead", "plantao"]]);
    const { stdout } = await runRelay(["status"], { cwd: folder.path });
    assert.match(stdout, /^ {2}Alerts +1 or more dead letters, since \d\d:\d\d:\d\d \(.* ago\); sent to plantao$/m);

    await relay.end("SIGKILL");
    relay = await startRelay(config, { folder: folder.path });
    sink.mend();
    const retried = await runRelay(["retry", "--dead", "--yes"], { cwd: folder.path });
    assert.equal(retried.code, 0, retried.stderr);
    await until("the alarm to end", async () => (await alarmsOf(folder.path)).length === 0);
    await toldOf(sink, 2);
    await relay.end();
    assert.deepEqual(types(sink), ["relay.alarm.begin", "relay.alarm.end"]);
    assert.equal(told(sink)[1]!.data.since, begun!.data.since);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("serve tells of an alarm once, though it is killed again and again as that begins", async () => {
  const folder = makeFolder();
  const sink = await startClinic();
  const config = configTo(sink, deadAlert);
  let relay = await startRelay(configTo(sink, ""), { folder: folder.path });
  try {
    await relay.post(event(0));
    await buried(relay, 1);
    for (let kill = 0; kill < 6; kill++) {
      await relay.end("SIGKILL");
      relay = await startRelay(config, { folder: folder.path });
    }
    await toldOf(sink, 1);
    sink.mend();
    await runRelay(["retry", "--dead", "--yes"], { cwd: folder.path });
    await toldOf(sink, 2);
    assert.deepEqual(types(sink), ["relay.alarm.begin", "relay.alarm.end"]);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("serve tells when events stay away, when they come again, and when they stay away again", async () => {
  const sink = await startClinic();
  const relay = await startRelay(configTo(sink, `{ when: { silent: "note.*", for: "3s" }, to: "plantao" }`));
  try {
    await toldOf(sink, 1);
    assert.deepEqual(await alarmsOf(relay.folder), [{ ...told(sink)[0]!.data, to: "plantao" }]);
    const { stdout } = await runRelay(["status"], { cwd: relay.folder });
    assert.match(stdout, /^ {2}Alerts +no note\.\* event, since \d\d:\d\d:\d\d \(.* ago\); sent to plantao$/m);
    // More than one, since on a slow machine the silence could begin again before anybody looked.
    await until("the alarm to end", async () => {
      await relay.post(event(sink.requests.length));
      return told(sink).length >= 2;
    });
    await toldOf(sink, 3);
    assert.deepEqual(types(sink), ["relay.alarm.begin", "relay.alarm.end", "relay.alarm.begin"]);
    const { pattern, forMs } = told(sink)[2]!.data;
    assert.deepEqual([pattern, forMs], ["note.*", 3_000]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve tells of refused requests once, across more of them and a kill, and says which", async () => {
  const folder = makeFolder();
  const sink = await startClinic();
  const config = configTo(sink, `{ when: { refused: 3, within: "1h" }, to: "plantao" }`);
  let relay = await startRelay(config, { folder: folder.path });
  try {
    const forged = { signature: `sha256=${"0".repeat(64)}` };
    for (const number of [1, 2]) await relay.post(event(number), forged);
    await until("the refusals in the store", async () => {
      const { stdout } = await runRelay(["status", "--json"], { cwd: folder.path });
      return JSON.parse(stdout).refusals[0]?.count === 2;
    });
    await relay.end("SIGKILL");
    relay = await startRelay(config, { folder: folder.path });
    await relay.post(event(3), { signature: null });
    await toldOf(sink, 1);
    const { type, data: { since: _, ...data } } = told(sink)[0]!;
    assert.equal(type, "relay.alarm.begin");
    assert.deepEqual(data, {
      alarm: "refused",
      limit: 3,
      withinMs: 3_600_000,
      refused: [
        { source: "connectvets", reason: "signature_wrong", count: 2 },
        { source: "connectvets", reason: "signature_missing", count: 1 },
      ],
    });
    for (let number = 0; number < 20; number++) await relay.post(event(number), forged);
    assert.deepEqual((await alarmsOf(folder.path)).map(({ alarm, to }) => [alarm, to]), [["refused", "plantao"]]);
    const { stdout } = await runRelay(["status"], { cwd: folder.path });
    assert.match(
      stdout,
      /^ {2}Alerts +3 or more requests refused within 1 hour, since \d\d:\d\d:\d\d \(.* ago\); sent to plantao$/m,
    );
    assert.equal(await relay.end(), 0);
    assert.deepEqual(types(sink), ["relay.alarm.begin"]);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("serve takes up an alert with a reload, and forgets one without a word", async () => {
  const sink = await startClinic();
  const relay = await startRelay(configTo(sink, ""));
  const reload = async (alerts: string) => {
    writeFileSync(join(relay.folder, "relay.config.ts"), configTo(sink, alerts));
    process.kill(relay.child.pid!, "SIGHUP");
  };
  try {
    await relay.post(event(0));
    await buried(relay, 1);
    await reload(deadAlert);
    await toldOf(sink, 1);
    const other = `{ when: { silent: "other.*", for: "1ms" }, to: "plantao" }`;
    await reload(other);
    await toldOf(sink, 2);
    sink.mend();
    await runRelay(["retry", "--dead", "--yes"], { cwd: relay.folder });
    await relay.logged("the delivery", ({ message }) => String(message).startsWith("delivered note.failed"));
    sink.break();
    await relay.post(event(1));
    await buried(relay, 2);
    await reload(`${other}, ${deadAlert}`);
    await toldOf(sink, 3);
    const all = told(sink).map(({ type, data }) => `${type} ${data.alarm}`);
    assert.deepEqual(all, ["relay.alarm.begin dead", "relay.alarm.begin silent", "relay.alarm.begin dead"]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("check shows alerts and whom they tell", async () => {
  const folder = makeFolder();
  const sink = await startClinic();
  try {
    const alerts = `${deadAlert}, { when: { silent: "note.*", for: "90m" }, to: "plantao" }`;
    writeFileSync(join(folder.path, "relay.config.ts"), configTo(sink, alerts));
    const { code, stdout } = await runRelay(["check"], { cwd: folder.path });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\nAlerts\n +a dead letter +→ plantao\n +no note\.\* event +for 90 minutes +→ plantao\n/,
    );
    const json = JSON.parse((await runRelay(["check", "--json"], { cwd: folder.path })).stdout);
    assert.deepEqual(json.alerts, [{ dead: 1, to: "plantao" }, { silent: "note.*", forMs: 5_400_000, to: "plantao" }]);
  } finally {
    await sink.close();
    folder.remove();
  }
});

test("check tells what is wrong with alerts", async () => {
  const folder = makeFolder();
  const sink = await startClinic();
  try {
    const alerts = `{ when: { dead: 0 }, to: "plantoa" }, { when: { silent: "note.*" }, to: "plantao" }`;
    writeFileSync(join(folder.path, "relay.config.ts"), configTo(sink, alerts));
    const { code, stderr } = await runRelay(["check"], { cwd: folder.path });
    assert.equal(code, 78);
    assert.match(stderr, /alerts\[0\]\.when\.dead: expected more than 0, got 0/);
    assert.match(stderr, /alerts\[0\]\.to: unknown target "plantoa"; .*did you mean "plantao"\?/);
    assert.match(stderr, /alerts\[1\]\.when\.for: is missing; expected a duration such as "6h"/);
  } finally {
    await sink.close();
    folder.remove();
  }
});
