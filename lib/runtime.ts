/** The one file that knows on which runtime it runs: Deno, or Bun, which the executable is made of. */

import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

interface BunRuntime {
  version: string;
  main: string;
  gc(isWaitedFor: boolean): void;
  build(options: Record<string, unknown>): Promise<{ outputs: Blob[] }>;
  spawn: SpawnProcess;
  plugin(plugin: { name: string; setup(build: BunPluginBuilder): void }): void;
}

interface BunPluginBuilder {
  module(name: string, load: () => { exports: object; loader: "object" }): void;
}

interface DenoRuntime {
  version: { deno: string };
}

const { Bun: bun, Deno: deno } = globalThis as unknown as { Bun?: BunRuntime; Deno?: DenoRuntime };

/** Name and version of the runtime. */
export const runtime = bun
  ? { name: "bun", version: bun.version }
  : { name: "deno", version: deno?.version.deno ?? "unknown" };

/** Whether a program that the system cannot run is given to the shell, as Deno does it. */
export const runsByShell = !bun;

/** Starts a process. Throws an error with a code if the system does not start it. */
export type SpawnProcess = (command: readonly string[], options: {
  cwd: string;
  env: Record<string, string>;
  /** In a session and a process group of its own. */
  detached: boolean;
  windowsHide: boolean;
  /** Not the bytes themselves: of those Bun leaves a descriptor open until its next garbage collection. */
  stdin: "pipe";
  stdout: "pipe";
  stderr: "pipe";
  onExit(process: SpawnedProcess, code: number | null, signal: string | null): void;
}) => SpawnedProcess;

export interface SpawnedProcess {
  pid: number;
  stdin: { write(bytes: Uint8Array): number | Promise<number>; end(): unknown };
  stdout: ReadableStream<Uint8Array>;
  stderr: ReadableStream<Uint8Array>;
  kill(signal: string): void;
}

/** Bun's own way to start a process, at less than half of what it costs by `node:child_process`. Nothing on Deno. */
export const spawnProcess: SpawnProcess | undefined = bun?.spawn;

/** Whether this is the compiled executable. */
export const isExecutable = /[/\\](\$bunfs|~BUN)[/\\]/.test(import.meta.url);

/** The command that starts this program again, without its arguments. */
export function selfCommand(): [program: string, ...args: string[]] {
  if (isExecutable) return [process.execPath];
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  return bun ? [process.execPath, main] : [process.execPath, "run", "-A", main];
}

/** Lets a module that is imported from disk import `name`. From source, `deno.json` does this for Deno. */
export function provideModule(name: string, exports: object): void {
  bun?.plugin({ name, setup: (build) => build.module(name, () => ({ exports, loader: "object" })) });
}

let loads = 0;

/**
 * Imports a module from disk as it is now, even if it was imported before. On Bun, what it imports is fresh as well: from
 * the second time on all of it is made one module, since Bun would go on with what it has seen once, even if that had
 * failed.
 * @param provided Name of the module that {@link provideModule} gave it.
 */
export async function importFresh(path: string, provided: string): Promise<{ default?: unknown }> {
  const url = pathToFileURL(path).href;
  loads++;
  if (!bun) return import(`${url}?load=${loads}`);
  if (loads === 1) return await importFirst(url, () => bundle(bun, path, provided));
  const made = URL.createObjectURL(new Blob([await bundle(bun, path, provided)], { type: "text/javascript" }));
  try {
    return await import(made);
  } finally {
    URL.revokeObjectURL(made);
  }
}

/** The first module is fresh as it is. Bundling it would take longer; it tells better what cannot be found, and where. */
async function importFirst(url: string, explain: () => Promise<string>): Promise<{ default?: unknown }> {
  try {
    return await import(url);
  } catch (error) {
    await explain();
    throw error;
  }
}

/** A module and what it imports, but for the module that is provided, as one text. */
async function bundle(bun: BunRuntime, path: string, provided: string): Promise<string> {
  const folder = JSON.stringify(dirname(path));
  const { outputs } = await bun.build({
    entrypoints: [path],
    external: [provided],
    target: "bun",
    throw: true,
    sourcemap: "inline", // so that what it throws names a line of the config
    define: {
      "import.meta.url": JSON.stringify(pathToFileURL(path).href),
      "import.meta.dir": folder,
      "import.meta.dirname": folder,
    },
  });
  return await outputs[0]!.text();
}

/**
 * Gives memory back that nothing uses any more. Bun would let a multiple of what is in use gather before it does so by
 * itself; Deno sees to it in time.
 */
export function releaseMemory(): void {
  bun?.gc(true);
}

/** A C library's functions, by name, and what they need to be handed memory that holds addresses. */
export interface Library<Functions> {
  functions: Functions;
  addressOf(memory: ArrayBuffer): bigint;
}

/**
 * Opens a C library. Gives nothing on Deno, and where there is no such library.
 * @param functions Types of arguments and results, such as `i32` and `ptr`.
 */
export function openLibrary<Functions>(
  name: string,
  functions: Record<keyof Functions, { args: readonly string[]; returns: string }>,
): Library<Functions> | undefined {
  if (!bun) return undefined;
  try {
    const { dlopen, ptr } = process.getBuiltinModule("bun:ffi") as unknown as {
      dlopen(name: string, functions: Record<string, unknown>): { symbols: Functions };
      ptr(memory: ArrayBuffer): number;
    };
    return { functions: dlopen(name, functions).symbols, addressOf: (memory) => BigInt(ptr(memory)) };
  } catch {
    return undefined;
  }
}
