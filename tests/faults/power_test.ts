/** Power loss: the disk is flushed after a request has come in and before it is answered 200. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, executable, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";

const canTrace = spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;

test("accept() flushes the disk before it answers", { skip: canTrace ? false : "needs strace" }, async () => {
  const sink = await startSink();
  const folder = makeFolder();
  const trace = join(folder.path, "trace");
  const config = configOf({ targets: `sink: http({ url: "${sink.url}" })`, routes: `{ on: "none", to: "sink" }` });
  const calls = "--trace=recvfrom,read,sendto,write,writev,fsync,fdatasync";
  // -D makes the relay, not strace, the process that was started.
  const relay = await startRelay(config, {
    folder: folder.path,
    command: ["strace", "-D", "-f", calls, "-o", trace, executable],
  });
  try {
    for (let number = 1; number <= 3; number++) {
      assert.equal((await relay.post(`{"event":"note.failed","number":${number}}`)).status, 200);
    }
    await relay.end();
    const steps = [...readFileSync(trace, "utf8").matchAll(/"POST \/webhook|\bf(?:data)?sync\(|"HTTP\/1\.1 200/g)];
    const words = steps.map(([step]) =>
      step.startsWith('"POST') ? "request" : step.startsWith('"HTTP') ? "200" : "flush"
    );
    const ways = words.join(" ").split("request").slice(1);
    assert.equal(ways.length, 3);
    for (const way of ways) assert.match(way, /^ (flush )+200/);
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});
