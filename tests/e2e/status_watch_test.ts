/** `relay status --watch` of the executable, and what status says of a config that has changed. */

import assert from "node:assert/strict";
import { appendFileSync, chmodSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";
import { needsTerminal, runOnTerminal } from "../helpers/terminal.ts";
import { until } from "../helpers/wait.ts";

const names = Array.from({ length: 12 }, (_, index) => `alvo${index}`);
const config = configOf({
  targets: names.map((name) => `${name}: http({ url: "http://127.0.0.1:1", retry: ["1h"], circuit: false })`).join(
    ", ",
  ),
  routes: `{ on: "**", to: ${JSON.stringify(names)} }`,
});

test("status --watch draws over what it drew, within the terminal, until Ctrl-C", needsTerminal, async () => {
  const relay = await startRelay(config);
  chmodSync(join(relay.folder, "relay.config.ts"), 0o600);
  const terminal = runOnTerminal(["status", "--watch"], { cwd: relay.folder, columns: 80, rows: 24 });
  try {
    await terminal.shows(/Nothing needs attention/);
    await relay.post('{"event":"note.failed","data":{"note_id":"1"}}');
    await terminal.shows(/12 things need attention/);
    terminal.type("\x03");
    assert.equal(await terminal.exited, 130);
    const [, ...frames] = terminal.output().split("\x1b[?1049l")[0]!.split("\x1b[H");
    assert.ok(frames.length >= 2, `${frames.length} frames`);
    for (const frame of frames) {
      const lines = frame.split("\n");
      assert.ok(lines.length <= 24, `${lines.length} lines`);
    }
    assert.match(stripVTControlCharacters(frames.at(-1)!), /… and \d+ more lines/);
    const last = stripVTControlCharacters(terminal.output().split("\x1b[?1049l")[1]!);
    assert.match(last, /12 things need attention[^]* {2}alvo11 +failing /);
  } finally {
    await terminal.close();
    await relay.close();
  }
});

test("status --watch ends with 2 where it cannot draw, and beside --json and --ready", async () => {
  for (const args of [[], ["--json"], ["--ready"]]) {
    const { code, stdout, stderr } = await runRelay(["status", "--watch", ...args]);
    assert.equal(code, 2, args.join(" "));
    assert.match(stdout + stderr, /Cannot watch the status: /);
  }
});

test("status says that the config on disk is not the one that runs, until it is loaded or as it was", async () => {
  const relay = await startRelay(config);
  const file = join(relay.folder, "relay.config.ts");
  const told = async () => {
    const { stdout } = await runRelay(["status"], { cwd: relay.folder });
    const json = JSON.parse((await runRelay(["status", "--json"], { cwd: relay.folder })).stdout);
    assert.equal(
      /^! The config on disk has changed since the relay loaded it\n {2}Load it /m.test(stdout),
      json.configChanged,
    );
    return json.configChanged;
  };
  try {
    await until("its word", async () => !(await told()));
    appendFileSync(file, "\n");
    assert.equal(await told(), true);
    process.kill(relay.child.pid!, "SIGHUP");
    await until("the reload", async () => !(await told()));
    appendFileSync(file, "\n");
    await relay.end();
    assert.equal(await told(), false, "no relay runs under the old one");
  } finally {
    await relay.close();
  }
});

test("status and events speak Portuguese alone, with the times of the config's zone", async () => {
  const zoned = config.replace("routes:", 'timeZone: "Asia/Tokyo", locale: "pt-BR", routes:');
  const relay = await startRelay(zoned);
  try {
    await relay.post('{"event":"note.failed","data":{"note_id":"1"}}', { signature: "sha256=00" });
    await relay.post('{"event":"note.failed","data":{"note_id":"1"}}');
    await until("the attempts", () => relay.log().filter(({ attempt }) => attempt === 1).length === names.length);
    const run = async (...args: string[]) => (await runRelay(args, { cwd: relay.folder })).stdout;
    const [{ id, receivedAt }] = JSON.parse(await run("events", "--json"));
    const texts = [
      await run("status"),
      await run("events"),
      await run("events", id),
      await run("pause", "alvo1"),
      await run("resume", "alvo1"),
      await run("retry", id),
    ];
    const english = [
      "the",
      "and",
      "is",
      "are",
      "of",
      "to",
      "with",
      "need",
      "needs",
      "wait",
      "waits",
      "ago",
      "at",
      "on",
    ];
    for (const text of texts) {
      const found = text.replaceAll(relay.folder, "").split(/[^\p{L}]+/u).filter((word) =>
        english.includes(word.toLowerCase())
      );
      assert.deepEqual(found, [], text);
    }
    const hour = new Intl.DateTimeFormat("pt-BR", { timeZone: "Asia/Tokyo", timeStyle: "medium" }).format(
      Date.parse(receivedAt),
    );
    assert.ok(texts[1]!.includes(hour), `${hour} in ${texts[1]}`);
    assert.match(texts[0]!, /Horários no fuso Asia\/Tokyo/);
  } finally {
    await relay.close();
  }
});
