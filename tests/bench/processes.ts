/** Processes that a run starts, each pinned to a core; none outlives the run. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { cpuSeconds } from "./cpu.ts";
import { type Core, pinned, searchPath } from "./machine.ts";

/** A process at work. */
export interface Running {
  pid: number;
  /** By `performance.now()`. */
  startedAt: number;
  hasEnded(): boolean;
  /** CPU that it has used, as {@link cpuSeconds}. */
  cpuSeconds(): number | undefined;
  /** Ends it and resolves once it is gone; throws what it complained of if it had ended by itself. */
  stop(): Promise<void>;
}

/** What {@link stopAll} ends. Whoever starts something else than a process here adds it, and takes it out. */
export const running: Set<Pick<Running, "stop">> = new Set();

/** Memory is read when a start is over, in milliseconds. */
export const SETTLE_MS = 1_500;

/** How long a process that was told to end may take, in milliseconds. */
const END_MS = 15_000;

export interface SpawnOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Starts a process. What it prints is not kept: its log costs what writing it costs, and no disk. */
export function start(core: Core, command: readonly string[], options: SpawnOptions = {}): Running {
  const [program, ...args] = pinned(core, command);
  const startedAt = performance.now();
  const child = spawn(program!, args, {
    cwd: options.cwd,
    env: { PATH: searchPath, HOME: process.env.HOME, ...options.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (chunk) => complaint = (complaint + chunk).slice(-2_000));
  const gone = ended(child);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const one: Running = {
    pid: child.pid!,
    startedAt,
    hasEnded,
    cpuSeconds: () => cpuSeconds([child.pid!]),
    async stop() {
      running.delete(one);
      if (hasEnded()) throw new Error(`${command.join(" ")} ended by itself: ${complaint}`);
      process.kill(child.pid!, "SIGTERM");
      const timer = setTimeout(() => process.kill(child.pid!, "SIGKILL"), END_MS);
      await gone;
      clearTimeout(timer);
    },
  };
  running.add(one);
  return one;
}

/** Runs a command to its end and gives what it printed. */
export async function run(core: Core, command: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const [program, ...args] = pinned(core, command);
  const child = spawn(program!, args, {
    cwd: options.cwd,
    env: { PATH: searchPath, HOME: process.env.HOME, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let complaint = "";
  child.stdout.on("data", (chunk) => output += chunk);
  child.stderr.on("data", (chunk) => complaint += chunk);
  const code = await ended(child);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${complaint}${output}`);
  return output;
}

/** Ends whatever still runs. */
export async function stopAll(): Promise<void> {
  for (const one of [...running]) await one.stop().catch(() => {});
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

/** Resolves after so many milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Longest wait for a server's first answer, in milliseconds. */
const ANSWER_MS = 60_000;

/** Waits until a server that has just been started answers `path`. */
export async function answering(server: Running, port: number, path: string): Promise<void> {
  for (;;) {
    try {
      await (await fetch(`http://127.0.0.1:${port}${path}`)).body?.cancel();
      return;
    } catch {
      if (server.hasEnded()) await server.stop();
      if (performance.now() - server.startedAt > ANSWER_MS) throw new Error(`nothing answers on port ${port}`);
      await delay(1);
    }
  }
}
