/** `relay pause` and `relay resume` of the executable: beside a relay that serves, and without one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const event = (number: number) => JSON.stringify({ event: "note.failed", data: { note_id: `${number}` } });

const configTo = (sink: Sink) =>
  configOf({
    targets: `crm: http({ url: "${sink.url}/crm" }), arquivo: http({ url: "${sink.url}/arquivo" })`,
    routes: `{ on: "**", to: ["crm", "arquivo"] }`,
  });

async function atWork(work: (relay: RunningRelay, sink: Sink) => Promise<void>) {
  const sink = await startSink();
  const relay = await startRelay(configTo(sink));
  try {
    await work(relay, sink);
  } finally {
    await relay.close();
    await sink.close();
  }
}

async function json(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await runRelay([...args, "--json"], { cwd: folder });
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout);
}

const countOf = (sink: Sink, target: string) => sink.requests.filter(({ path }) => path === `/${target}`).length;

/** Posts events, one after the other has come to the other target, until one of them waits for `crm`; gives their number. */
async function postUntilHeld(relay: RunningRelay, sink: Sink): Promise<number> {
  let posted = 0;
  await until("an event to be held", async () => {
    await relay.post(event(++posted));
    await until("the other target's delivery", () => countOf(sink, "arquivo") === posted);
    const { targets } = await json(relay.folder, "status");
    return targets[0].pending > 0;
  });
  return posted;
}

test("pause holds a target's deliveries beside a relay that serves, until resume; others go on", async () => {
  await atWork(async (relay, sink) => {
    assert.deepEqual(await json(relay.folder, "pause", "crm"), {
      target: "crm",
      paused: true,
      changed: true,
      waiting: 0,
    });
    const posted = await postUntilHeld(relay, sink);
    assert.ok(countOf(sink, "crm") < posted);
    const [crm, arquivo] = (await json(relay.folder, "status")).targets;
    assert.deepEqual([crm.state, arquivo.state], ["paused", "ok"]);
    assert.ok(Date.parse(crm.pausedAt) <= Date.now());

    const { waiting, ...rest } = await json(relay.folder, "resume", "crm");
    assert.deepEqual(rest, { target: "crm", paused: false, changed: true });
    assert.ok(waiting >= 1);
    await until("every event to come in", () => countOf(sink, "crm") === posted);
    assert.equal((await json(relay.folder, "status")).targets[0].state, "ok");
  });
});

test("pause without a relay that serves holds from its start on, over a restart, until resume", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  const start = () => startRelay(configTo(sink), { folder: folder.path });
  let relay = await start();
  try {
    await relay.end();
    assert.equal((await json(folder.path, "pause", "crm")).changed, true);
    for (const number of [1, 2]) {
      relay = await start();
      await relay.post(event(number));
      await until("the other target's delivery", () => countOf(sink, "arquivo") === number);
      await relay.end();
      assert.equal(countOf(sink, "crm"), 0);
    }
    assert.deepEqual(await json(folder.path, "resume", "crm"), {
      target: "crm",
      paused: false,
      changed: true,
      waiting: 2,
    });
    relay = await start();
    await until("both events to come in", () => countOf(sink, "crm") === 2);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("pause of what is paused, and resume of what is not, say so and are done", async () => {
  await atWork(async ({ folder }) => {
    const said = async (...args: string[]) => {
      const { code, stdout } = await runRelay(args, { cwd: folder });
      assert.equal(code, 0);
      return stdout;
    };
    assert.equal(await said("resume", "crm"), "crm was not paused\n");
    assert.equal(await said("pause", "crm"), "crm is paused: 0 deliveries wait until `relay resume crm`\n");
    assert.equal(await said("pause", "crm"), "crm was already paused: 0 deliveries wait until `relay resume crm`\n");
    assert.equal((await json(folder, "pause", "crm")).changed, false);
    assert.match(await said("status"), /crm +paused .*\n/);
    assert.equal(await said("resume", "crm"), "crm is resumed: 0 waiting deliveries go out\n");
    assert.equal((await json(folder, "resume", "crm")).changed, false);
  });
});

test("pause and resume end with 2 and name the targets that are known", async () => {
  await atWork(async ({ folder }) => {
    for (const verb of ["pause", "resume"]) {
      const { code, stdout, stderr } = await runRelay([verb, "cmr"], { cwd: folder });
      assert.deepEqual([code, stdout], [2, ""]);
      assert.equal(
        stderr,
        `Cannot ${verb}: there is no target "cmr"; the targets are "crm" and "arquivo"; did you mean "crm"?\n`,
      );
      const none = await runRelay([verb], { cwd: folder });
      assert.equal(none.code, 2);
    }
  });
});
