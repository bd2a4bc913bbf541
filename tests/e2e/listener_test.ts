/** The public listener of the executable: each row of its contract. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const EVENT =
  '{"event":"note.completed","timestamp":"2024-02-14T18:25:43Z","data":{"note_id":"n1","status":"completed"}}';

test("serve delivers a signed event's exact bytes once, and says so", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets: `sistema: http({ url: "${sink.url}/in" })`,
    routes: `{ on: "note.*", to: "sistema" }`,
  }));
  try {
    const first = await relay.post(EVENT);
    assert.deepEqual([first.status, first.text], [200, "OK"]);
    const again = await relay.post(EVENT);
    assert.deepEqual([again.status, again.text], [200, "Already processed"]);
    const [request] = await sink.received(1);
    assert.equal(request!.body.toString(), EVENT);
    assert.equal(request!.headers["x-connectvets-signature"], sign(EVENT));
    assert.equal(request!.headers["content-type"], "application/json");
    await relay.logged("the delivery", (record) => String(record.message).startsWith("delivered"));
    assert.equal(await relay.end(), 0);
    assert.equal(sink.requests.length, 1);
  } finally {
    await relay.close();
    await sink.close();
  }
});
