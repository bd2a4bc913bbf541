/** Prometheus' own checks, by the program `promtool` that comes with it. */

import { spawn, spawnSync } from "node:child_process";

/** For tests that need the program: they say so where it is missing. */
export const needsPromtool = {
  skip: spawnSync("promtool", ["--version"]).status === 0 ? false : "needs promtool, of the package prometheus",
};

/** Runs it to its end; `output` is all that it says. */
export function promtool(args: string[], input = ""): Promise<{ code: number | null; output: string }> {
  const child = spawn("promtool", args);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += chunk);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
