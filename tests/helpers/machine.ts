/** A machine of its own with a real systemd: Debian in a container, made by debootstrap and run by systemd-nspawn. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { executable, type Run } from "./relay.ts";
import { until } from "./wait.ts";

/** The system that machines are started from. It is kept for the next run, as making it takes a minute. */
const tree = join(tmpdir(), "relay-systemd-bookworm");

/** For tests that need a machine: they say so where it cannot be had. */
export const needsMachine = { skip: whyNone() ?? false };

/** Makes the system if it is not there; says why there is none. */
function whyNone(): string | undefined {
  if (process.getuid?.() !== 0) return "a machine with systemd needs root";
  for (const program of ["debootstrap", "systemd-nspawn", "nsenter"]) {
    if (spawnSync(program, ["--version"]).error) return `needs ${program}, of Debian`;
  }
  if (existsSync(tree)) return undefined;
  const made = mkdtempSync(`${tree}-`);
  const { status, stdout } = spawnSync(
    "debootstrap",
    ["--variant=minbase", "--include=systemd,dbus,ca-certificates", "bookworm", made],
    { encoding: "utf8", timeout: 240_000 },
  );
  if (status === 0) {
    renameSync(made, tree);
    return undefined;
  }
  rmSync(made, { recursive: true, force: true });
  return `debootstrap failed: ${stdout.trim().split("\n").at(-1)}`;
}

/** A running machine, with the executable in `/root/relay`. What it writes is gone when it ends. */
export interface Machine {
  /** Runs shell commands on it, as root. */
  sh(commands: string, input?: string | Uint8Array): Promise<Run>;
  /** Runs shell commands on it that must succeed, and gives what they print. */
  do(commands: string, input?: string | Uint8Array): Promise<string>;
  /** Writes a file on it. */
  write(path: string, text: string, mode?: string): Promise<void>;
  /** Ends it as a power cut would. */
  close(): Promise<void>;
}

/** Boots a machine, which takes some seconds. Its network is its own loopback alone. */
export async function startMachine(): Promise<Machine> {
  const container = spawn("systemd-nspawn", [
    ...["--quiet", "--register=no", "--keep-unit", "--volatile=overlay", "--private-network", "--boot"],
    ...[`--machine=relay-test-${process.pid}`, `--directory=${tree}`],
  ], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [container.stdout, container.stderr]) stream.on("data", (chunk) => output += chunk);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) =>
    container.on("close", () => {
      hasEnded = true;
      resolve();
    })
  );
  const close = async () => {
    const init = initOf(container);
    if (!hasEnded) process.kill(init ?? container.pid!, "SIGKILL");
    await ended;
  };
  const sh: Machine["sh"] = (commands, input = "") => runIn(initOf(container)!, commands, input);
  try {
    await until("the machine to boot", async () => {
      if (hasEnded) throw new Error(`The machine ended: ${output}`);
      return initOf(container) !== undefined &&
        /running|degraded/.test((await sh("systemctl is-system-running")).stdout);
    }, 40_000);
    const machine: Machine = {
      sh,
      close,
      async do(commands, input) {
        const { code, stdout, stderr } = await sh(commands, input);
        if (code !== 0) throw new Error(`${commands}: exit ${code}: ${stdout}${stderr}`);
        return stdout;
      },
      async write(path, text, mode = "644") {
        await machine.do(`cat > ${path} && chmod ${mode} ${path}`, text);
      },
    };
    await machine.do("cat > /root/relay && chmod 755 /root/relay", readFileSync(executable));
    return machine;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Process id of the machine's first process, once there is one; its parent is the container's own process. */
function initOf({ pid }: ChildProcess): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    const init = children.map(Number).find((child) => readFileSync(`/proc/${child}/comm`, "utf8") === "systemd\n");
    return init;
  } catch {
    return undefined; // it has just ended
  }
}

function runIn(init: number, commands: string, input: string | Uint8Array): Promise<Run> {
  const spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
  const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
  const child = spawn("nsenter", [`--target=${init}`, ...spaces, "--", "sh", "-c", commands], { env });
  const run: Run = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => run.stdout += chunk);
  child.stderr.on("data", (chunk) => run.stderr += chunk);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...run, code }));
  });
}
