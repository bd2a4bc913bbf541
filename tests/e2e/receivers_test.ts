/** The sender's own receivers behind the relay: they run unchanged, see the same bytes, and verify them themselves. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { receivers, startReceiver } from "../helpers/receivers.ts";
import { configOf, runRelay, SECRET, startRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";

/** Events that come out otherwise if anybody reads and writes them anew. */
const bodies = [
  '{"event":"note.completed","timestamp":"2026-01-31T02:10:00Z","data":{"note_id":"n-1","status":"completed"}}',
  '{ "event" : "note.failed",\n\t"data":{"note_id":"n-2","error":"\\u00e1udio \\/ inv\u00e1lido \ud83d\udc36","n":1.0e2}}\r\n',
  '{"event":"note.processing","data":{"note_id":"n-3","note_id":"n-3","big":12345678901234567890}}',
];

/** The lines that a receiver writes of them. */
const lines = bodies.map((body) => {
  const { event, data } = JSON.parse(body);
  return `${event} ${data.note_id} ${createHash("sha256").update(Buffer.from(body)).digest("hex")}`;
});

for (const name of Object.keys(receivers) as (keyof typeof receivers)[]) {
  const { skip } = receivers[name];

  test(`${name}, the guide's receiver, takes the bytes and the signature that came in`, { skip }, async () => {
    const receiver = await startReceiver(name, SECRET);
    const relay = await startRelay(configOf({
      targets: `receptor: http({ url: "${receiver.url}" })`,
      routes: '{ on: "**", to: "receptor" }',
    }));
    try {
      for (const body of bodies) assert.equal((await relay.post(body)).status, 200);
      for (const line of lines) await until(line, () => receiver.log().includes(line));
    } finally {
      await relay.close();
      await receiver.close();
    }
  });

  test(
    `${name}, the guide's receiver, with another secret refuses an event, which is dead at once`,
    { skip },
    async () => {
      const receiver = await startReceiver(name, "whs_another");
      const relay = await startRelay(configOf({
        targets: `receptor: http({ url: "${receiver.url}" })`,
        routes: '{ on: "**", to: "receptor" }',
      }));
      try {
        assert.equal((await relay.post(bodies[0]!)).status, 200);
        const dead = await until("a dead letter", async () => {
          const { stdout } = await runRelay(["events", "--state", "dead", "--json"], { cwd: relay.folder });
          return JSON.parse(stdout)[0];
        });
        const { stdout } = await runRelay(["events", dead.id, "--json"], { cwd: relay.folder });
        const [{ history }] = JSON.parse(stdout).deliveries as [{ history: { status: number }[] }];
        assert.deepEqual(history.map(({ status }) => status), [401]);
        for (const line of lines) assert.ok(!receiver.log().includes(line));
      } finally {
        await relay.close();
        await receiver.close();
      }
    },
  );
}
