/** A database server's process, which goes on when the test process does not wait for it. */

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import process from "node:process";
import { until } from "../wait.ts";
import { withoutRoot } from "./user.ts";

/** How long a server may take to start or to end, in milliseconds. */
const PATIENCE_MS = 30_000;

/** What a server's child sees of the environment: times of its log are in UTC, and words in English. */
export const environment = { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C" };

/** A program that can be started again once it has ended. */
export interface ServerProcess {
  /** Of the process that was started last. */
  readonly pid: number;
  /** All that it has written, on its standard output and error. */
  log(): string;
  /**
   * @param answers Whether it can be used.
   * @throws {Error} with its log, if it ends before.
   */
  start(answers: () => Promise<boolean>): Promise<void>;
  /** Sends it the signal if it runs, and waits until it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Nothing is started yet. The program runs as a user that is not root. */
export function serverProcess(name: string, command: readonly string[], logPath: string): ServerProcess {
  let last = { pid: 0, hasEnded: true };
  const log = () => readFileSync(logPath, "utf8");
  return {
    get pid() {
      return last.pid;
    },
    log,
    async start(answers) {
      const started = last = run(command, logPath);
      await until(`${name} to answer`, () => {
        if (started.hasEnded) throw new Error(`${name} ended: ${log()}`);
        return answers();
      }, PATIENCE_MS);
    },
    async end(signal) {
      const ended = last;
      if (!ended.hasEnded) process.kill(ended.pid, signal);
      await until(`${name} to end`, () => ended.hasEnded, PATIENCE_MS);
    },
  };
}

function run(command: readonly string[], logPath: string) {
  const [program, ...args] = withoutRoot(command);
  const out = openSync(logPath, "a");
  const child = spawn(program, args, { detached: true, stdio: ["ignore", out, out], env: environment });
  closeSync(out);
  child.unref(); // a test that fails does not end it, and must end all the same
  const started = { pid: child.pid ?? 0, hasEnded: child.pid === undefined };
  child.on("error", () => started.hasEnded = true);
  child.on("exit", () => started.hasEnded = true);
  return started;
}
