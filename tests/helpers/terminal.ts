/** The executable on a terminal of a given width, as a person uses it: `script` of util-linux makes the terminal. */

import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { executable } from "./relay.ts";
import { until } from "./wait.ts";

const hasScript = spawnSync("script", ["--version"]).status === 0;

/** Options of a test that needs a terminal. */
export const needsTerminal = { skip: hasScript ? false : "needs `script` of util-linux" };

export interface Terminal {
  /** Everything that the terminal was sent, colours and all. */
  output(): string;
  /** Types this, or `\x03` for Ctrl-C. */
  type(text: string): void;
  /** Resolves when the terminal shows this. */
  shows(pattern: RegExp): Promise<unknown>;
  /** Resolves with the exit code. */
  exited: Promise<number | null>;
  close(): Promise<void>;
}

/** Runs a verb on a terminal of so many columns. */
export function runOnTerminal(
  args: string[],
  options: { cwd: string; columns?: number; rows?: number; env?: Record<string, string> },
): Terminal {
  const quoted = [executable, ...args].map((one) => `'${one.replaceAll("'", `'\\''`)}'`).join(" ");
  const command = `stty cols ${options.columns ?? 120} rows ${options.rows ?? 40} && exec ${quoted}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, SHELL: "/bin/sh", TERM: "xterm-256color", ...options.env },
  });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stdin.on("error", () => {});
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    output: () => output,
    type: (text) => void child.stdin.write(text),
    shows: (pattern) => until(`${pattern} on the terminal`, () => pattern.test(output)),
    exited,
    async close() {
      if (child.exitCode === null && child.signalCode === null) process.kill(child.pid!, "SIGTERM");
      child.stdin.end();
      await exited;
    },
  };
}
