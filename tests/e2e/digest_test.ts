/** Digests and quiet hours on the executable: what reaches Slack, and what an operator sees. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const failed = (note: string) => JSON.stringify({ event: "note.failed", data: { note_id: note, name: `<${note}>` } });

/** What Slack is sent: a digest has a text that begins with how many events it tells of. */
const countOf = (body: Uint8Array) =>
  Number(/^\*(\d+) eventos, das/.exec(JSON.parse(new TextDecoder().decode(body)).text)?.[1] ?? 1);

test("serve tells Slack every second what has gathered, in one message, and shows it with each event", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets: `chat: slack({ url: "${sink.url}", digest: { every: "1s" }, order: (e) => e.event }),`,
    routes: `{ on: "note.failed", to: "chat" }`,
  }));
  try {
    await Promise.all(Array.from({ length: 20 }, (_, index) => relay.post(failed(`n${index}`))));
    const told = () => sink.requests.reduce((sum, { body }) => sum + countOf(body), 0);
    await until("all to be told", () => told() >= 20);
    assert.equal(told(), 20);
    assert.ok(sink.requests.length <= 3, `${sink.requests.length} messages`);
    const first = JSON.parse(sink.requests[0]!.body.toString());
    assert.match(first.text, /Falha na nota: &lt;n\d+&gt;/);
    assert.equal(first.blocks[0].type, "header");

    const { stdout } = await runRelay(["events", "--json"], { cwd: relay.folder });
    const events: { deliveries: { state: string; attempts: number }[] }[] = JSON.parse(stdout);
    const deliveries = events.flatMap((event) => event.deliveries);
    assert.equal(deliveries.length, 20);
    for (const { state, attempts } of deliveries) assert.deepEqual([state, attempts], ["delivered", 1]);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve sends nothing in quiet hours, shows when they end, and goes on when a reload ends them", async () => {
  const sink = await startSink();
  // Two hours around now, wherever that falls.
  const clockTime = (at: number) => new Date(at).toISOString().slice(11, 16);
  const [from, to] = [clockTime(Date.now() - 3_600_000), clockTime(Date.now() + 3_600_000)];
  const configWith = (quiet: string) =>
    configOf({
      targets: `chat: slack({ url: "${sink.url}", ${quiet} }),`,
      routes: `{ on: "note.**", to: "chat" }`,
    });
  const relay = await startRelay(configWith(
    `quiet: { from: "${from}", to: "${to}", zone: "UTC", except: ["note.transcription.*"] }`,
  ));
  try {
    await relay.post(failed("n1"));
    await relay.post(JSON.stringify({ event: "note.transcription.failed", data: { id: "n2" } }));
    const [request] = await sink.received(1);
    assert.match(request!.body.toString(), /n2/);
    const [delivery] = await until("it to wait", async () => {
      const { stdout } = await runRelay(["events", "--json", "--type", "note.failed"], { cwd: relay.folder });
      const { deliveries } = JSON.parse(stdout)[0];
      return Date.parse(deliveries[0].nextAttemptAt) > Date.now() + 60_000 && deliveries;
    });
    assert.deepEqual([delivery.state, delivery.attempts, delivery.nextAttemptAt.slice(11, 16)], ["pending", 0, to]);
    assert.equal(sink.requests.length, 1);

    writeFileSync(join(relay.folder, "relay.config.ts"), configWith(""));
    process.kill(relay.child.pid!, "SIGHUP");
    assert.match((await sink.received(2))[1]!.body.toString(), /n1/);
  } finally {
    await relay.close();
    await sink.close();
  }
});
