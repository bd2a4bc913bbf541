/** Attempts in a process of their own, for tests that change what surrounds it. */

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Outcome } from "../../lib/outcome.ts";
import { selfCommand } from "../../lib/runtime.ts";

/**
 * Makes one attempt with each of these options of a kind of target.
 * @param wrap Program and arguments that the process is started by.
 */
export function attemptsBy(
  wrap: string[],
  kind: string,
  options: Record<string, unknown>[],
  folder = "/",
): Promise<Outcome[]> {
  const child = fileURLToPath(import.meta.resolve("./attempt_child.ts"));
  const [program, ...args] = [...wrap, ...selfCommand().slice(0, -1), child, kind, folder, JSON.stringify(options)];
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1" }; // else Deno asks the name server as well
  const started = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"], env });
  let output = "";
  started.stdout.on("data", (chunk) => output += chunk);
  return new Promise((resolve, reject) => {
    started.on("error", reject);
    started.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`The attempts ended with ${code}: ${output}`));
    });
  });
}
