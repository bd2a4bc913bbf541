/** The one file that knows on which runtime it runs: Deno, or Bun, which the executable is made of. */

import { dirname } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers";
import { fileURLToPath, pathToFileURL } from "node:url";

interface BunServer {
  port: number;
  reload(options: Record<string, unknown>): void;
  stop(closeConnections?: boolean): Promise<void>;
  requestIP(request: Request): { address: string; port: number } | null;
}

interface BunRuntime {
  version: string;
  main: string;
  build(options: Record<string, unknown>): Promise<{ outputs: Blob[] }>;
  plugin(plugin: { name: string; setup(build: BunPluginBuilder): void }): void;
  serve(options: Record<string, unknown>): BunServer;
}

interface BunPluginBuilder {
  module(name: string, load: () => { exports: object; loader: "object" }): void;
}

interface DenoRuntime {
  version: { deno: string };
  serve(options: Record<string, unknown>, handler: (request: Request, info: DenoInfo) => Promise<Response>): DenoServer;
}

interface DenoInfo {
  remoteAddr: { hostname?: string; port?: number };
}

interface DenoServer {
  addr: { port: number };
  shutdown(): Promise<void>;
}

const { Bun: bun, Deno: deno } = globalThis as unknown as { Bun?: BunRuntime; Deno?: DenoRuntime };

/** Name and version of the runtime. */
export const runtime = bun
  ? { name: "bun", version: bun.version }
  : { name: "deno", version: deno?.version.deno ?? "unknown" };

/** Whether a program that the system cannot run is given to the shell, as Deno does it. */
export const runsByShell = !bun;

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
 * Imports a module from disk as it is now, even if it was imported before. On Bun, what it imports is fresh as well: all
 * of it is made one module, since Bun would go on with what it has seen once, even if that had failed.
 * @param provided Name of the module that {@link provideModule} gave it.
 */
export async function importFresh(path: string, provided: string): Promise<{ default?: unknown }> {
  const url = pathToFileURL(path).href;
  if (!bun) return import(`${url}?load=${++loads}`);
  const folder = JSON.stringify(dirname(path));
  const { outputs } = await bun.build({
    entrypoints: [path],
    external: [provided],
    target: "bun",
    throw: true,
    define: { "import.meta.url": JSON.stringify(url), "import.meta.dir": folder, "import.meta.dirname": folder },
  });
  const bundle = URL.createObjectURL(new Blob([await outputs[0]!.text()], { type: "text/javascript" }));
  try {
    return await import(bundle);
  } finally {
    URL.revokeObjectURL(bundle);
  }
}

/** Answers requests; `client` and `port` are the address of the other end of the connection. */
export type Handler = (request: Request, client: string, port: number) => Promise<Response>;

/** A listening socket. */
export interface Listener {
  /** The port, which the system chose where 0 was asked for. */
  port: number;
  /** From now on, each answer is the last one on its connection. */
  closeAfterAnswers(): void;
  /** Accepts no more and resolves when the requests that were accepted are answered, or after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Listens for HTTP.
 * @throws {Error} with the system's `code`, such as `EADDRINUSE`.
 */
export function listen(host: string, port: number, handler: Handler): Listener {
  if (bun) {
    const answer = (request: Request, server: BunServer) => {
      const { address, port } = server.requestIP(request) ?? { address: "", port: 0 };
      return handler(withHost(request), address, port);
    };
    const server = bun.serve({
      hostname: host,
      port,
      // Seconds, for a connection that waits for a request, or drips a body or takes an answer at under 16 KiB/s; longer
      // than a body may take, so that its sender hears why. Headers must be there after 10 s, which Bun sees to itself.
      idleTimeout: 45,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER, // the receiver counts, by each source's own limit
      development: false,
      fetch: answer,
    });
    return {
      port: server.port,
      closeAfterAnswers() {
        server.reload({
          fetch: async (request: Request, server: BunServer) => {
            const response = await answer(request, server);
            response.headers.set("Connection", "close");
            return response;
          },
        });
      },
      async stop(graceMs) {
        await Promise.race([server.stop(), delay(graceMs)]);
        await server.stop(true);
      },
    };
  }
  const server = deno!.serve(
    { hostname: host, port, onListen: () => {} },
    (request, { remoteAddr: { hostname = "", port = 0 } }) => handler(request, hostname, port),
  );
  return {
    port: server.addr.port,
    closeAfterAnswers() {}, // its shutdown ends connections between two requests by itself
    stop: (graceMs) => Promise.race([server.shutdown(), delay(graceMs)]),
  };
}

/**
 * The request with a whole URL. Bun gives the path alone where the client names no host, as it may in HTTP/1.0, which
 * health checks speak, or one that cannot be.
 */
function withHost(request: Request): Request {
  return request.url.startsWith("/") ? new Request(`http://localhost${request.url}`, request) : request;
}

/** Resolves after so many milliseconds; does not keep the program alive for it. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
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
