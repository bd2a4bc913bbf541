/** The executable, run as a user runs it. */

import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { makeFolder } from "./folder.ts";
import { until } from "./wait.ts";

/** Path of the executable under test. */
export const executable = fileURLToPath(new URL("../../dist/relay", import.meta.url));

/** The secret of the source in {@link configOf}. */
export const SECRET = "whs_0123456789abcdef0123456789abcdef";

/** How a run of the executable ended. */
export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the executable to its end. */
export function runRelay(
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string | Uint8Array } = {},
): Promise<Run> {
  const child = spawn(executable, args, { cwd: options.cwd, env: { PATH: process.env.PATH, ...options.env } });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
}

/** The header value for these bytes. */
export function sign(body: string | Uint8Array, secret = SECRET): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** In one line of the config, whatever is added, so that what follows keeps its places. */
const IMPORTS = [
  "connectvets",
  "connectvetsApi",
  "defineConfig",
  "email",
  "env",
  "evolution",
  "file",
  "firstOf",
  "hmac",
  "http",
  "ntfy",
  "script",
  "slack",
  "telegram",
  "whatsapp",
  "whatsappCloud",
  "zapi",
];

/**
 * A config with one ConnectVets source at `/webhook`, on a free port unless one is given.
 * @param parts Source text of `targets`, `routes`, `admin` (off unless it is given), and anything else at the top level.
 */
export function configOf(
  parts: { targets: string; routes: string; more?: string; source?: string; admin?: string; port?: number },
): string {
  return `import { ${IMPORTS.join(", ")} } from "relay";
export default defineConfig({
  listen: { host: "127.0.0.1", port: ${parts.port ?? 0} },
  admin: ${parts.admin ?? "false"},
  sources: { connectvets: connectvets({ path: "/webhook", secret: "${SECRET}", ${parts.source ?? ""} }) },
  targets: { ${parts.targets} },
  routes: [ ${parts.routes} ],
  ${parts.more ?? ""}
});
`;
}

export interface RunningRelay {
  folder: string;
  port: number;
  url: string;
  child: ChildProcess;
  /** Everything it has written to standard output and standard error. */
  output(): string;
  /** Its log, a record a line. */
  log(): Record<string, unknown>[];
  /** Resolves with the first record of the log that fits. */
  logged(what: string, fits: (record: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Where the admin listener is, for a config that has one. */
  adminUrl(): Promise<string>;
  /** Posts a body, signed unless a signature (or `null` for none) is given. */
  post(
    body: string | Uint8Array,
    options?: { signature?: string | null; headers?: Record<string, string>; path?: string },
  ): Promise<{ status: number; text: string; headers: Headers }>;
  /** Resolves with the exit code when it has ended; `null` if a signal ended it. */
  exited: Promise<number | null>;
  /** Sends a signal and resolves with the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Ends it if it still runs, and removes its folder. */
  close(): Promise<void>;
}

interface StartOptions {
  /** Further files of the folder, by name. */
  files?: Record<string, string>;
  env?: Record<string, string>;
  /** Further arguments. */
  args?: string[];
  /** Default: a new one, which `close` removes. */
  folder?: string;
  /** What to run in place of the executable; the verb and its arguments follow. */
  command?: string[];
  /** Most bytes of its output that are kept, the last ones. Default: all. */
  maxOutput?: number;
  /** Called at once, before it listens. */
  spawned?: (child: ChildProcess) => void;
}

/** Starts `relay serve` in a folder of its own, or in one that is given, and waits until it listens. */
export async function startRelay(config: string, options: StartOptions = {}): Promise<RunningRelay> {
  const made = options.folder ? undefined : makeFolder();
  const folder = options.folder ?? made!.path;
  for (const [name, text] of Object.entries({ "relay.config.ts": config, ...options.files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  const [program, ...before] = options.command ?? [executable];
  const child = spawn(program!, [...before, "serve", ...(options.args ?? [])], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...options.env },
  });
  options.spawned?.(child);
  const [stdout, stderr] = [collect(child.stdout, options.maxOutput), collect(child.stderr, options.maxOutput)];
  let exitCode: number | null | undefined;
  const exited = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(exitCode = code)));

  // The last line may not be whole yet.
  const log = () =>
    stdout().split("\n").slice(0, -1).filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const listening = await until("the relay to listen", () => {
    if (exitCode !== undefined) throw new Error(`The relay ended with ${exitCode}: ${stdout()}${stderr()}`);
    return log().find((record) => String(record.message).startsWith("listening"));
  });
  const url = `http://127.0.0.1:${listening.port}`;

  return {
    folder,
    port: listening.port,
    url,
    child,
    exited,
    log,
    output: () => stdout() + stderr(),
    logged: (what, fits) => until(what, () => log().find(fits)),
    async adminUrl() {
      const { adminPort } = await until("the admin listener", () => log().find((record) => record.adminPort));
      return `http://127.0.0.1:${adminPort}`;
    },
    async post(body, { signature = sign(body), headers = {}, path = "/webhook" } = {}) {
      const signed: Record<string, string> = signature === null ? {} : { "X-ConnectVets-Signature": signature };
      const response = await fetch(url + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...signed, ...headers },
        body: body as BodyInit,
      });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
    end(signal = "SIGTERM") {
      process.kill(child.pid!, signal); // Deno's `child.kill` would hide how it ended
      return exited;
    },
    async close() {
      if (exitCode === undefined) child.kill("SIGKILL");
      await exited;
      made?.remove();
    },
  };
}

/** Keeps what a stream says, or about the last `maxBytes` of it. */
function collect(stream: NodeJS.ReadableStream, maxBytes = Infinity): () => string {
  let chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes <= 2 * maxBytes) return;
    chunks = [Buffer.concat(chunks).subarray(-maxBytes)];
    bytes = maxBytes;
  });
  return () => Buffer.concat(chunks).toString();
}
