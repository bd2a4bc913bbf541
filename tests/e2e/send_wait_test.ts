/** `relay send`: the event's id and targets, and with `--wait` its deliveries, attempt by attempt. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../helpers/port.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";

const ID = "[0-9a-f]{8}-[0-9a-f-]{27}";

async function withRelay(
  work: (run: (...args: string[]) => ReturnType<typeof runRelay>, folder: string) => Promise<void>,
): Promise<void> {
  let failures = 1;
  const sink = await startSink((response, { path }) => {
    const isBad = path === "/never" || (path === "/later" && failures-- > 0);
    response.writeHead(path === "/no" ? 403 : isBad ? 500 : 200).end("ok");
  });
  const targets = ["crm", "later", "no", "never"].map((name) =>
    `${name}: http({ url: "${sink.url}/${name}", retry: [${name === "later" ? '"20ms"' : ""}] })`
  );
  const routes = `{ on: "note.completed", to: ["crm", "later"] }, { on: "note.failed", to: ["crm", "no"] },
    { on: "note.processing", to: "held" }`;
  const held = `held: http({ url: "http://127.0.0.1:1", retry: ["1h"] })`;
  const relay = await startRelay(configOf({ targets: [...targets, held].join(", "), routes, port: await freePort() }));
  try {
    await work((...args) => runRelay(args, { cwd: relay.folder }), relay.folder);
  } finally {
    await relay.close();
    await sink.close();
  }
}

test("send prints the event's id and targets, and every sample is a new event", async () => {
  await withRelay(async (run) => {
    const [first, second] = [await run("send"), await run("send", "--json")];
    assert.match(first.stdout, new RegExp(`^200 OK\nEvent ${ID} goes to crm and later\n$`));
    const { status, event, targets } = JSON.parse(second.stdout);
    assert.deepEqual([status, targets], [200, ["crm", "later"]]);
    assert.ok(!first.stdout.includes(event));
    assert.equal((await run("events", event)).code, 0);
    assert.match((await run("send", "billing.paid")).stdout, new RegExp(`Event ${ID} matches no route`));
  });
});

test("send gives the id that an event has already", async () => {
  await withRelay(async (run, folder) => {
    writeFileSync(join(folder, "body.json"), '{"event":"note.failed","data":{}}');
    const args = ["send", "--data", "body.json"];
    const [first, again] = [await run(...args, "--json"), await run(...args)];
    const { event } = JSON.parse(first.stdout);
    assert.equal(
      again.stdout,
      `200 Already processed\nEvent ${event} is stored already, and nothing is sent again; it went to crm and no\n`,
    );
    assert.equal(JSON.parse((await run(...args, "--json")).stdout).event, event);
  });
});

test("send --wait follows every attempt, and exits 0 when all is delivered", async () => {
  await withRelay(async (run) => {
    const { code, stdout } = await run("send", "--wait");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^crm: attempt 1 delivered in \d+ ms$/m);
    assert.match(
      stdout,
      /^later: attempt 1 failed: error at the target \(500\)(; next attempt .*)?\n[^]*^later: attempt 2 delivered in/m,
    );
  });
});

test("send --wait exits 1 where a delivery is dead, and says so in one JSON document too", async () => {
  await withRelay(async (run) => {
    const { code, stdout } = await run("send", "note.failed", "--wait", "--locale", "pt-BR");
    assert.equal(code, 1);
    assert.match(stdout, /^no: falha definitiva na tentativa 1: recusado \(403\)$/m);
    const json = await run("send", "note.failed", "--wait", "--json");
    const { deliveries } = JSON.parse(json.stdout);
    const states = deliveries.map(({ target, state }: Record<string, string>) => [target, state]);
    assert.deepEqual([json.code, states], [1, [["crm", "delivered"], ["no", "dead"]]]);
  });
});

test("send --wait exits 0 and says that no route matched", async () => {
  await withRelay(async (run) => {
    const { code, stdout } = await run("send", "billing.paid", "--wait");
    assert.equal(code, 0);
    assert.match(stdout, /matches no route: it is stored and goes to no target\n$/);
  });
});

test("send --wait ends with 130 at Ctrl-C", needsTerminal, async () => {
  await withRelay(async (_, folder) => {
    const terminal = runOnTerminal(["send", "note.processing", "--wait"], { cwd: folder });
    try {
      await terminal.shows(/waiting for 1 delivery/);
      terminal.type("\x03");
      assert.equal(await terminal.exited, 130);
    } finally {
      await terminal.close();
    }
  });
});

test("send says that it cannot tell the id where the store is out of reach, and prints the answer", async () => {
  await withRelay(async (run, folder) => {
    const { url } = JSON.parse((await run("send", "--json")).stdout);
    const other = configOf({
      targets: 'crm: http({ url: "http://127.0.0.1:9" })',
      routes: "",
      more: 'store: "sqlite:other.db"',
    });
    writeFileSync(join(folder, "other.config.ts"), other);
    const args = ["send", "--config", "other.config.ts", "--url", url];
    const answered = await run(...args);
    assert.deepEqual([answered.code, answered.stdout], [0, "200 OK\n"]);
    assert.match(answered.stderr, /^The event's id and targets are not known: /);
    assert.equal((await run(...args, "--wait")).code, 1);
    const { event, targets, problem } = JSON.parse((await run(...args, "--json")).stdout);
    assert.deepEqual([event, targets], [null, null]);
    assert.match(problem, /not known/);
  });
});
