/** A network and targets that misbehave while events flow: each event ends delivered, nothing is lost. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../helpers/port.ts";
import { configOf, startRelay } from "../helpers/relay.ts";
import { delayed, garbage, halfAnswer, hang, reset, type Respond, startSink, status } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";
import { Ledger } from "./ledger.ts";
import { accounted, startLoad } from "./load.ts";
import { tryAgain } from "./options.ts";
import { type Cut, startProxy } from "./proxy.ts";

/** Fewest events of each test. */
const EVENTS = 30;

/** How a sink misbehaves, and whether it has told the relay by then that it took the event. */
const misbehaviours: { name: string; respond: Respond; isTaken?: true; options?: string }[] = [
  { name: "hangs", respond: hang, options: 'timeout: "1s", concurrency: 64,' },
  { name: "is slow", respond: delayed(200, status(200)), isTaken: true },
  { name: "resets the connection", respond: reset },
  { name: "says 200 and cuts its answer", respond: halfAnswer, isTaken: true },
  { name: "speaks no HTTP", respond: garbage },
  { name: "answers 500", respond: status(500, "broken") },
  {
    name: "answers 503 with Retry-After",
    respond: status(503, "later", { "Retry-After": "1" }),
    options: "concurrency: 64,",
  },
  { name: "answers 429 without Retry-After", respond: status(429) },
];

for (const { name, respond, isTaken = false, options = "" } of misbehaviours) {
  test(`a target that ${name} gets every event once`, async () => {
    const ledger = new Ledger(() => ["alvo"]);
    const [good, bad] = [accounted(ledger, "alvo", status(200)), accounted(ledger, "alvo", respond, isTaken)];
    const sink = await startSink((response, request, count) => {
      const isFirst = request.headers["relay-attempt"] === "1";
      (isFirst ? bad : good)(response, request, count);
    });
    try {
      await flow(sink.port, options, ledger);
      const attempts = sink.requests.map(({ headers }) => headers["relay-attempt"]);
      assert.ok(attempts.filter((attempt) => attempt === "1").length >= EVENTS, "it misbehaved at every event");
      assert.equal(attempts.includes("2"), !isTaken, "another attempt is made where it can help, and only there");
      assert.deepEqual([ledger.repeated(), ledger.changedIds, ledger.unknown], [0, 0, 0]);
    } finally {
      await sink.close();
    }
  });
}

/** Where the network cuts, and whether the target may have taken an event by then that the relay must send again. */
const cuts: { name: string; cut: Cut; mayRepeat?: true }[] = [
  { name: "as soon as a request begins", cut: { in: "request", afterBytes: 1 } },
  { name: "in the middle of a request", cut: { in: "request", afterBytes: 200 } },
  { name: "in the middle of a later request", cut: { in: "request", afterBytes: 900 } },
  { name: "before the status of an answer", cut: { in: "answer", afterBytes: 9 }, mayRepeat: true },
  { name: "in the middle of a later answer", cut: { in: "answer", afterBytes: 250 }, mayRepeat: true },
];

/** None of those that are open at once at first: it could carry everything, so that nothing is cut. */
const isLetBe = (connection: number) => connection > 8 && connection % 4 === 0;

for (const { name, cut, mayRepeat = false } of cuts) {
  test(`a network that cuts ${name} lets every event through in the end`, async () => {
    const ledger = new Ledger(() => ["alvo"]);
    const sink = await startSink(accounted(ledger, "alvo", (response) => void response.end("ok")));
    const proxy = await startProxy(sink.port, (connection) => isLetBe(connection) ? undefined : cut);
    try {
      await flow(proxy.port, "", ledger);
      assert.ok(proxy.cuts() > 0, "it did cut");
      assert.deepEqual([ledger.changedIds, ledger.unknown], [0, 0]);
      assert.ok(ledger.repeated() <= (mayRepeat ? proxy.cuts() : 0), `${ledger.repeated()} repeats`);
    } finally {
      await proxy.close();
      await sink.close();
    }
  });
}

test("a target that is down for a while gets every event once it is back", async () => {
  const ledger = new Ledger(() => ["alvo"]);
  const port = await freePort();
  const flowing = flow(port, "", ledger);
  await until("events to wait", () => ledger.outstanding() >= EVENTS);
  const sink = await startSink(accounted(ledger, "alvo", status(200)), port);
  try {
    await flowing;
    assert.deepEqual([ledger.repeated(), ledger.changedIds, ledger.unknown], [0, 0, 0]);
  } finally {
    await sink.close();
  }
});

/** Sends events through a relay to this port, and resolves when each has arrived. */
async function flow(port: number, options: string, ledger: Ledger): Promise<void> {
  const targets = `alvo: http({ url: "http://127.0.0.1:${port}/", ${tryAgain}, ${options} })`;
  const relay = await startRelay(configOf({ targets, routes: `{ on: "**", to: "alvo" }` }));
  try {
    const load = startLoad(`${relay.url}/webhook`, ledger, { clients: 4, perSecond: 100 });
    await until("the events", () => ledger.acknowledged >= EVENTS);
    await load.stop();
    await until("every delivery", () => ledger.outstanding() === 0);
    const recorded = () => relay.log().filter(({ message }) => String(message).startsWith("delivered")).length;
    await until("every delivery to be recorded", () => recorded() === ledger.acknowledged);
    assert.doesNotMatch(relay.output(), /"level":"error"/, "none is dead");
  } finally {
    await relay.close();
  }
}
