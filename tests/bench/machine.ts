/** The machine that is measured on: its two cores, its programs, its processor's and its disk's own speed. */

import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { availableParallelism, cpus } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Top folder of the repository. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** Where the bench keeps what it makes; git ignores it. */
export const benchFolder: string = join(root, "dist", "bench");

/** Everything that one run writes, stores too: so it is this disk that is measured. */
export const workFolder: string = join(benchFolder, "run");

/** Bun, which runs what must be as fast as the executable. */
export const bun: string = join(root, "node_modules", "bun", "bin", "bun.exe");

/** The executable that is measured. */
export const executable: string = join(root, "dist", "relay");

/** Path of a file of the bench. */
export function benchFile(name: string): string {
  return join(root, "tests", "bench", name);
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH: searchPath } }).status === 0;
}

/** Debian keeps servers in `sbin`, where only root looks. */
export const searchPath: string = [process.env.PATH, "/usr/sbin"].join(delimiter);

/** A core: one for what is measured, the other for everything that loads it; `any` is whichever of both is free. */
export type Core = keyof typeof cores;

const cores = { server: "0", load: "1", any: "0,1" };

const isPinned = availableParallelism() > 1 && isInstalled("taskset");

/** A command that runs on one core, where the machine can do that. */
export function pinned(core: Core, command: readonly string[]): string[] {
  return isPinned ? ["taskset", "-c", cores[core], ...command] : [...command];
}

/** Keeps the bench itself off the server's core. */
export function pinSelf(): void {
  pin(process.pid, "load");
}

/** Has a process that runs, and whatever it starts from then on, run on this core. */
export function pin(pid: number, core: Core): void {
  if (isPinned) spawnSync("taskset", ["-a", "-c", "-p", cores[core], String(pid)]);
}

/** What the figures were measured on, in one line. */
export function machineLine(): string {
  const bunVersion = spawnSync(bun, ["--version"]).stdout.toString().trim();
  const pins = isPinned ? "server on core 0, load on core 1" : "not pinned to cores";
  return `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${pins}; Bun ${bunVersion}`;
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    })
  );
}

/** How long a fixed amount of work takes on the server's core, in milliseconds: what differs from time to time is noise. */
export async function calibrate(): Promise<number> {
  const [program, ...args] = pinned("server", [bun, benchFile("load/calibrate.ts")]);
  const child = spawn(program!, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => output += chunk);
  await new Promise((resolve) => child.on("close", resolve));
  return Number(output);
}

/** How often a second the disk can be made to keep 4 KiB more. */
export function flushRate(seconds: number): number {
  mkdirSync(workFolder, { recursive: true });
  const path = join(workFolder, "flush");
  const file = openSync(path, "w");
  const block = new Uint8Array(4096).fill(1);
  const startedAt = performance.now();
  let flushes = 0;
  while (performance.now() - startedAt < seconds * 1000) {
    writeSync(file, block);
    fdatasyncSync(file);
    flushes++;
  }
  const rate = flushes / ((performance.now() - startedAt) / 1000);
  closeSync(file);
  unlinkSync(path);
  return rate;
}

/** Memory of a process that is in use, in MiB. */
export function residentMiB(pid: number): number {
  const kib = statusOf(pid, "VmRSS") ?? Number(spawnSync("ps", ["-o", "rss=", "-p", String(pid)]).stdout);
  return kib / 1024;
}

/** What of it is the process's own, in MiB, where Linux tells: the rest is files as they lie on disk, its executable above all. */
export function ownMiB(pid: number): number | undefined {
  const kib = statusOf(pid, "RssAnon");
  return kib && kib / 1024;
}

function statusOf(pid: number, name: string): number | undefined {
  const path = `/proc/${pid}/status`;
  const found = existsSync(path) ? RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(path, "utf8")) : undefined;
  return found ? Number(found[1]) : undefined;
}
