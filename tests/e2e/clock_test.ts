/** The executable with a clock that is wrong, and is set while it runs or between two starts. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fakeTime } from "../helpers/faketime.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const event = (note: string) => `{"event":"note.failed","data":{"note_id":"${note}"}}`;
const isFailure = ({ message }: Record<string, unknown>) => String(message).startsWith("failed");

for (const by of ["+10h", "+20y"]) {
  for (const isRunning of [true, false]) {
    const when = isRunning ? "while it runs" : "between two starts";
    test(`serve delivers at once what failed with the clock ${by} ahead, when that is put right ${when}`, async () => {
      let isFailing = true;
      const sink = await startSink((response) => void response.writeHead(isFailing ? 500 : 200).end());
      const folder = makeFolder();
      const clock = fakeTime(folder.path);
      const config = configOf({
        targets:
          `sistema: http({ url: "${sink.url}/in", retry: ["12h", "12h"], circuit: { failures: 2, pause: "1h" } })`,
        routes: `{ on: "**", to: "sistema" }`,
      });
      let relay: RunningRelay | undefined;
      const start = async () => relay = await startRelay(config, { folder: folder.path, env: clock.env });
      try {
        clock.set(by);
        let running = await start();
        await running.post(event("1"));
        const { nextAttemptAt } = await running.logged("the failure", isFailure);
        await running.post(event("2"));
        await until("the circuit to open", () => running.log().some(({ circuit }) => circuit === "open"));
        assert.ok(Date.parse(`${nextAttemptAt}`) > Date.now() + 19 * 3_600_000);
        isFailing = false;
        if (!isRunning) await running.end();
        clock.set("+0");
        const { stdout } = await runRelay(["events", "--json"], { cwd: folder.path, env: clock.env });
        for (const { deliveries: [{ state, nextAttemptAt }] } of JSON.parse(stdout)) {
          assert.ok(
            state !== "pending" || Date.parse(nextAttemptAt) <= Date.now() + 1_000,
            `${state} ${nextAttemptAt}`,
          );
        }
        if (!isRunning) {
          running = await start();
          await until("both deliveries", () => sink.requests.length === 4);
        } else {
          await running.logged("what is due now", ({ brought }) => brought === 2);
          const status = JSON.parse(
            (await runRelay(["status", "--json"], { cwd: folder.path, env: clock.env })).stdout,
          );
          const [{ circuitOpenUntil }] = status.targets;
          assert.ok(Date.parse(circuitOpenUntil) <= Date.now() + 3_600_000, circuitOpenUntil);
        }
      } finally {
        await relay?.close();
        await sink.close();
        folder.remove();
      }
    });
  }
}

test("serve goes on delivering, in its order, while the clock is set back and forth", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  const clock = fakeTime(folder.path);
  const config = configOf({
    targets: `sistema: http({ url: "${sink.url}/in", order: () => "one" })`,
    routes: `{ on: "**", to: "sistema" }`,
    admin: "{ port: 0 }",
  });
  const relay = await startRelay(config, { folder: folder.path, env: clock.env });
  try {
    const notes: string[] = [];
    for (const by of ["+0", "+10h", "+0", "-10h", "+20y", "-10h", "+0"]) {
      clock.set(by);
      for (const part of ["a", "b"]) {
        notes.push(`${by} ${part} ${notes.length}`);
        assert.equal((await relay.post(event(notes.at(-1)!))).status, 200);
      }
      const metrics = await (await fetch(`${await relay.adminUrl()}/metrics`)).text();
      assert.doesNotMatch(metrics, /^relay_\w+(\{.*\})? -/m);
      const pages = await Promise.all(
        ["/", "/targets"].map(async (path) => await (await fetch((await relay.adminUrl()) + path)).text()),
      );
      for (const page of pages) assert.doesNotMatch(page, /in [\d,.]+ (years|days|hr|hours)/);
    }
    await sink.received(notes.length);
    assert.deepEqual(sink.requests.map(({ body }) => JSON.parse(body.toString()).data.note_id), notes);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("serve deletes nothing on the word of a clock that is 20 years ahead when it starts", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  const clock = fakeTime(folder.path);
  const config = configOf({
    targets: `sistema: http({ url: "${sink.url}/in" })`,
    routes: `{ on: "**", to: "sistema" }`,
    more: `keep: { delivered: "90s", dead: "90s" },`,
  });
  const start = () => startRelay(config, { folder: folder.path, env: clock.env });
  let relay = await start();
  try {
    await relay.post(event("1"));
    await relay.logged("the delivery", ({ message }) => String(message).startsWith("delivered"));
    await relay.end();
    clock.set("+20y");
    relay = await start();
    await relay.logged("a round that follows no leap", ({ message }) => String(message).includes("jumped ahead"));
    await relay.end();
    const db = new DatabaseSync(join(folder.path, "relay.db"));
    assert.equal(db.prepare("SELECT count(*) AS count FROM events").get()!.count, 1);
    db.close();
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});
