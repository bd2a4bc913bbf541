/** The CPU of a server is that of all its processes. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { until } from "../helpers/wait.ts";
import { cpuSeconds } from "./cpu.ts";

const WORK = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done";

/** Sees that a shell's children come to some CPU once it has printed something; it ends when its input does. */
async function counts(script: string): Promise<void> {
  const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await until("CPU of children", () => cpuSeconds([child.pid!])! >= 0.05, 5_000);
  } finally {
    child.stdin.end();
    await new Promise((resolve) => child.on("close", resolve));
  }
}

test("cpuSeconds() counts the children that live, and those that have ended", async () => {
  if (process.platform !== "linux") return assert.equal(cpuSeconds([process.pid]), undefined);
  await counts("(while :; do :; done) & echo; read line; kill $!");
  await counts(`(${WORK}); echo; read line`);
});

test("cpuSeconds() gives nothing for a process that is not there", () => {
  assert.equal(cpuSeconds([2 ** 30]), undefined);
});
