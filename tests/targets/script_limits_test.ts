/** The script target's limits: time, output, input, and what the program leaves running. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { attempt } from "../helpers/attempt.ts";
import { scriptTarget } from "../../lib/targets/script.ts";
import type { Target } from "../../lib/targets/target.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makeDelivery, makeEvent, makeTarget, never, samplePayload } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { reasonOf } from "./contract.ts";

/** A target that runs a shell script in a folder of its own, for as long as `use` takes. */
async function withScript(
  source: string,
  options: Record<string, unknown>,
  use: (target: Target, folder: string) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "run.sh"), `#!/bin/sh\n${source}\n`, { mode: 0o755 });
    await use(makeTarget(scriptTarget, { command: ["./run.sh"], ...options }, { folder: folder.path }), folder.path);
  } finally {
    folder.remove();
  }
}

/** The number that a script wrote into a file of its folder. */
const pidIn = (folder: string, name: string) =>
  until(`${name} to be written`, () => {
    const path = join(folder, name);
    return existsSync(path) && Number(readFileSync(path, "utf8"));
  });

/** Whether a process runs; one that has ended but was not yet waited for does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const onLinux = { skip: process.platform === "linux" ? false : "needs /proc" };

const family = "echo $$ > parent; sleep 60 & echo $! > child; wait";

test("deliver() ends whatever the program has started when its time is over", async () => {
  await withScript(family, { timeout: "500ms" }, async (target, folder) => {
    const attempted = attempt(target, makeDelivery, never);
    const pids = [await pidIn(folder, "parent"), await pidIn(folder, "child")];
    assert.deepEqual(pids.map(isRunning), [true, true]);
    assert.equal(reasonOf(await attempted), "timed_out");
    await until("the whole group to end", () => !pids.some(isRunning));
  });
});

test("deliver() ends whatever the program has started when it is stopped", async () => {
  await withScript(family, { timeout: "1m" }, async (target, folder) => {
    const stop = new AbortController();
    const attempted = attempt(target, makeDelivery, stop.signal);
    const pids = [await pidIn(folder, "parent"), await pidIn(folder, "child")];
    stop.abort();
    assert.equal(await attempted, undefined);
    await until("the whole group to end", () => !pids.some(isRunning));
  });
});

test("deliver() starts nothing where it is stopped already", async () => {
  await withScript("touch started", {}, async (target, folder) => {
    assert.equal(await attempt(target, () => makeDelivery(), AbortSignal.abort()), undefined);
    assert.ok(!existsSync(join(folder, "started")));
  });
});

test("deliver() does not wait for what the program leaves running, even if it holds the outputs", async () => {
  await withScript("sleep 60 & echo $! > child; echo feito", { timeout: "3s" }, async (target, folder) => {
    assert.deepEqual(await attempt(target, makeDelivery, never), {
      kind: "delivered",
      status: 0,
      answer: "feito\n",
    });
    const pid = await pidIn(folder, "child");
    assert.ok(isRunning(pid), "what it left has ended neither by itself nor by the time-out");
    process.kill(pid, "SIGKILL");
  });
});

test(
  "deliver() leaves alone what a program left running, even if its time is over right after it",
  onLinux,
  async () => {
    const source = "echo $$ > parent; sleep 60 & echo $! > child; exit 0";
    await withScript(source, { timeout: "1m" }, async (target, folder) => {
      const stop = new AbortController();
      const attempted = attempt(target, makeDelivery, stop.signal);
      const [parent, child] = [await pidIn(folder, "parent"), await pidIn(folder, "child")];
      await until("the program to end", () => !existsSync(`/proc/${parent}`));
      stop.abort();
      assert.equal((await attempted)?.kind, "delivered");
      assert.ok(isRunning(child));
      process.kill(child, "SIGKILL");
    });
  },
);

test("deliver() leaves no descriptor open for what programs leave running", onLinux, async () => {
  await withScript("sleep 60 & echo $! > child-$RELAY_ATTEMPT", { timeout: "1m" }, async (target, folder) => {
    const runMany = (first: number) =>
      Promise.all(Array.from({ length: 50 }, (_, i) => {
        return attempt(target, () => makeDelivery(undefined, { attempt: first + i }), never);
      }));
    const countOpen = () => readdirSync("/proc/self/fd").length;
    await runMany(0);
    const open = countOpen();
    for (let first = 50; first < 300; first += 50) await runMany(first);
    await until("all descriptors to be closed", () => countOpen() <= open);
    for (let i = 0; i < 300; i += 1) process.kill(await pidIn(folder, `child-${i}`), "SIGKILL");
  });
});

test("deliver() leaves no descriptor open of a program that has ended", onLinux, async () => {
  await withScript("cat", {}, async (target) => {
    const countOpen = () => readdirSync("/proc/self/fd").length;
    await attempt(target, makeDelivery, never);
    const open = countOpen();
    for (let i = 0; i < 50; i++) await attempt(target, makeDelivery, never);
    assert.ok(countOpen() <= open + 4, `${countOpen()} descriptors, ${open} before`); // some are closed in the background
  });
});

test("deliver() keeps what the program says, whether it has delivered or not", async () => {
  for (const code of [0, 1, 65]) {
    await withScript(`echo saída; echo erro >&2; exit ${code}`, {}, async (target) => {
      assert.equal((await attempt(target, makeDelivery, never))?.answer, "saída\n\nerro\n");
    });
  }
});

test("deliver() keeps the first 4 KiB of each output", async () => {
  const source = 'printf "%10000s" "" | tr " " o; printf "%10000s" "" | tr " " e >&2; exit 1';
  await withScript(source, {}, async (target) => {
    const { answer = "" } = await attempt(target, makeDelivery, never) ?? {};
    assert.equal(answer, `${"o".repeat(4096)}\n${"e".repeat(4096)}`);
  });
});

test("deliver() keeps output that is no text, and cuts no character in two", async () => {
  await withScript(`printf 'a\\377\\000b'; printf 'x%.0s' $(seq 4091); printf 'éé'`, {}, async (target) => {
    const { answer = "" } = await attempt(target, makeDelivery, never) ?? {};
    assert.ok(answer.startsWith("a\ufffd\0bxx") && answer.endsWith("x"), JSON.stringify(answer.slice(-4)));
  });
});

test("deliver() is not blocked by a program that writes 10 MB", async () => {
  await withScript("head -c 10000000 /dev/zero; head -c 10000000 /dev/zero >&2", {}, async (target) => {
    assert.equal((await attempt(target, makeDelivery, never))?.kind, "delivered");
  });
});

const bigPayload = { ...samplePayload, filler: "x".repeat(1_000_000) };

test("deliver() gives a body of a megabyte whole", async () => {
  const event = makeEvent(bigPayload);
  await withScript("cat > body", {}, async (target, folder) => {
    assert.equal((await attempt(target, () => makeDelivery(event), never))?.kind, "delivered");
    assert.ok(Buffer.from(event.body).equals(readFileSync(join(folder, "body"))));
  });
});

for (const source of ["exit 0", "exec <&-; sleep 0.2; exit 0", "head -c 10 > /dev/null"]) {
  test(`deliver() does not mind a program that leaves a megabyte unread: ${source}`, async () => {
    await withScript(source, {}, async (target) => {
      assert.equal((await attempt(target, () => makeDelivery(makeEvent(bigPayload)), never))?.kind, "delivered");
    });
  });
}

test("deliver() runs many programs at once, each with its own input", async () => {
  await withScript('cat > "body-$RELAY_ATTEMPT"', {}, async (target, folder) => {
    const attempts = Array.from({ length: 20 }, (_, i) => i);
    await Promise.all(attempts.map((i) => {
      const event = makeEvent({ ...samplePayload, i });
      return attempt(target, () => makeDelivery(event, { attempt: i }), never);
    }));
    for (const i of attempts) assert.equal(JSON.parse(readFileSync(join(folder, `body-${i}`), "utf8")).i, i);
  });
});
