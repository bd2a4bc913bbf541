/** A local program at work: the same on both runtimes. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { type SpawnedProcess, type SpawnProcess, spawnProcess } from "../runtime.ts";

/** What a program is started with. */
export interface ProgramOptions {
  cwd: string;
  /** All variables that it gets. */
  env: Record<string, string>;
  /** What it reads on standard input. It is free not to. */
  input: Uint8Array;
  /** Called with what it writes on standard output and standard error, in this order. It never blocks on what it writes. */
  onOutput: readonly [(chunk: Uint8Array) => void, (chunk: Uint8Array) => void];
}

/** A program at work. */
export interface Program {
  /** How it ended: by itself with a code, or by a signal. Rejects if the system did not start it. */
  ended: Promise<{ code: number | null; signal: string | null }>;
  /** Its outputs have ended: what it has started may hold them for longer than it runs. */
  closed: Promise<unknown>;
  /** Ends it, and whatever it has started; nothing if it has ended. */
  kill(): void;
  /** Reads no more of its outputs. */
  release(): void;
}

const isWindows = process.platform === "win32";

// Its own process group, so that `kill` reaches whatever it has started. Windows has none, and would open a window.
const ownGroup = { detached: !isWindows, windowsHide: true };

/**
 * Starts a program.
 * @param command The program and its arguments: no shell takes part.
 * @throws {NodeJS.ErrnoException} if the system does not start it.
 */
export function startProgram(command: readonly string[], options: ProgramOptions): Program {
  return spawnProcess ? startByRuntime(spawnProcess, command, options) : startByNode(command, options);
}

function startByRuntime(
  spawnProcess: SpawnProcess,
  command: readonly string[],
  { cwd, env, input, onOutput }: ProgramOptions,
): Program {
  const { promise: ended, resolve } = Promise.withResolvers<Awaited<Program["ended"]>>();
  const child = spawnProcess(command, {
    ...ownGroup,
    cwd,
    env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    onExit: (_, code, signal) => resolve({ code, signal }),
  });
  void feed(child, input);
  const readers = [child.stdout.getReader(), child.stderr.getReader()] as const;
  return {
    ended,
    closed: Promise.all(readers.map((reader, i) => readAll(reader, onOutput[i]!))),
    kill: () => killGroup(child),
    release: () => readers.forEach((reader) => reader.cancel().catch(() => {})),
  };
}

async function feed({ stdin }: SpawnedProcess, input: Uint8Array): Promise<void> {
  try {
    await stdin.write(input);
    await stdin.end();
  } catch {
    // Nobody reads it.
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, onChunk: (chunk: Uint8Array) => void) {
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) onChunk(read.value);
  } catch {
    // What cannot be read any more has ended.
  }
}

function startByNode([program, ...args]: readonly string[], { cwd, env, input, onOutput }: ProgramOptions): Program {
  const child: ChildProcess = spawn(program!, args, { ...ownGroup, cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = child; // Bun makes none of them where no descriptors are left
  const streams = [stdin, stdout, stderr].filter((stream) => stream !== null && stream !== undefined);
  for (const stream of streams) stream.on("error", () => {}); // such as an input that nobody reads
  stdout?.on("data", onOutput[0]);
  stderr?.on("data", onOutput[1]);
  stdin?.end(input);
  return {
    ended: new Promise((resolve, reject) => {
      child.on("exit", (code, signal) => resolve({ code, signal }));
      child.on("error", reject);
    }),
    closed: new Promise((resolve) => child.on("close", resolve)),
    kill: () => killGroup(child),
    release: () => streams.forEach((stream) => stream.destroy()),
  };
}

function killGroup(child: { pid?: number; kill(signal: "SIGKILL"): unknown }): void {
  if (child.pid === undefined || isGone(child.pid)) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** Whether it has ended, which the runtime may tell a little later. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
