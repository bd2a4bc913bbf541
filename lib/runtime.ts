/** The one file that knows on which runtime it runs: Deno, or Bun, which the executable is made of. */

import { dirname } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers";
import { fileURLToPath, pathToFileURL } from "node:url";

interface BunServer {
  port: number;
  stop(closeConnections?: boolean): Promise<void>;
  requestIP(request: Request): { address: string } | null;
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
  remoteAddr: { hostname?: string };
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

/** Answers requests; `client` is the address of the other end of the connection. */
export type Handler = (request: Request, client: string) => Promise<Response>;

/** A listening socket. */
export interface Listener {
  /** The port, which the system chose where 0 was asked for. */
  port: number;
  /** Accepts no more and resolves when the requests that were accepted are answered, or after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Listens for HTTP.
 * @throws {Error} with the system's `code`, such as `EADDRINUSE`.
 */
export function listen(host: string, port: number, handler: Handler): Listener {
  if (bun) {
    const server = bun.serve({
      hostname: host,
      port,
      // Seconds, for a connection that waits for a request, or drips a body or takes an answer at under 16 KiB/s; longer
      // than a body may take, so that its sender hears why. Headers must be there after 10 s, which Bun sees to itself.
      idleTimeout: 45,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER, // the receiver counts, by each source's own limit
      development: false,
      fetch: (request: Request, server: BunServer) => handler(request, server.requestIP(request)?.address ?? ""),
    });
    return {
      port: server.port,
      async stop(graceMs) {
        await Promise.race([server.stop(), delay(graceMs)]);
        await server.stop(true);
      },
    };
  }
  const server = deno!.serve(
    { hostname: host, port, onListen: () => {} },
    (request, info) => handler(request, info.remoteAddr.hostname ?? ""),
  );
  return { port: server.addr.port, stop: (graceMs) => Promise.race([server.shutdown(), delay(graceMs)]) };
}

/** Resolves after so many milliseconds; does not keep the program alive for it. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The C library's functions that {@link sendDatagram} and {@link monotonicUsec} call. */
interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  sendto(fd: number, data: Uint8Array, size: number, flags: number, address: Uint8Array, addressSize: number): number;
  close(fd: number): number;
  clock_gettime(clock: number, time: BigInt64Array): number;
}

/** Loaded on first use. Nothing on Deno, and where there is no glibc: nor is systemd there. */
let libc: Libc | null | undefined;

function openLibc(): Libc | null {
  if (!bun || process.platform !== "linux") return null;
  try {
    const { dlopen } = process.getBuiltinModule("bun:ffi") as unknown as {
      dlopen(name: string, functions: Record<string, unknown>): { symbols: Libc };
    };
    return dlopen("libc.so.6", {
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
      close: { args: ["i32"], returns: "i32" },
      clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
    }).symbols;
  } catch {
    return null;
  }
}

/**
 * Sends a datagram to a Unix socket, as far as the runtime and the receiver let it: `node:dgram` knows none of these.
 * @param path A leading `@` stands for the abstract namespace of Linux.
 */
export function sendDatagram(path: string, text: string): void {
  libc ??= openLibc();
  if (!libc) return;
  const AF_UNIX = 1;
  const encoder = new TextEncoder();
  const address = new Uint8Array([0, 0, ...encoder.encode(path.replace(/^@/, "\0"))]);
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX; // in the machine's byte order
  const data = encoder.encode(text);
  const fd = libc.socket(AF_UNIX, 0o2000002, 0); // SOCK_DGRAM | SOCK_CLOEXEC
  if (fd < 0) return;
  libc.sendto(fd, data, data.length, 0x4040, address, address.length); // MSG_NOSIGNAL | MSG_DONTWAIT
  libc.close(fd);
}

/** Microseconds of the system's monotonic clock, or 0 where it cannot be read: `process.hrtime` begins with the process. */
export function monotonicUsec(): bigint {
  libc ??= openLibc();
  const time = new BigInt64Array(2);
  libc?.clock_gettime(1, time); // CLOCK_MONOTONIC
  return time[0]! * 1_000_000n + time[1]! / 1000n;
}
