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

/**
 * Runs a container again as often as it asks for a reboot, by exit code 133. What it writes lies over the tree, in memory
 * that goes with these processes.
 */
const runContainer = `
  mount -t tmpfs tmpfs /mnt && mkdir /mnt/root /mnt/upper /mnt/work &&
  mount -t overlay -o "lowerdir=$0,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root || exit
  while "$@"; status=$?; [ $status = 133 ]; do :; done; exit $status`;

/** For tests that need a machine: they say so where it cannot be had. */
export const needsMachine = { skip: whyNone() ?? false };

/** Makes the system if it is not there; says why there is none. */
function whyNone(): string | undefined {
  if (process.getuid?.() !== 0) return "a machine with systemd needs root";
  for (const program of ["debootstrap", "systemd-nspawn", "unshare", "nsenter"]) {
    if (spawnSync(program, ["--version"]).error) return `needs ${program}, of Debian`;
  }
  return (existsSync(tree) ? undefined : makeTree()) ?? whyNotStarted();
}

/** Makes the system; says why it could not. */
function makeTree(): string | undefined {
  const made = mkdtempSync(`${tree}-`);
  const { status, stdout } = spawnSync(
    "debootstrap",
    ["--variant=minbase", "--include=systemd,dbus,ca-certificates", "bookworm", made],
    { encoding: "utf8", timeout: 600_000 },
  );
  if (status === 0) {
    try {
      renameSync(made, tree);
      return undefined;
    } catch (error) {
      if (!existsSync(tree)) throw error; // else another run has made it meanwhile
    }
  }
  rmSync(made, { recursive: true, force: true });
  return status === 0 ? undefined : `debootstrap failed: ${stdout.trim().split("\n").at(-1)}`;
}

/** Tries a container that does nothing; says why it could not be had. */
function whyNotStarted(): string | undefined {
  const [program, ...args] = containerCommand(["true"]);
  const { status, stderr } = spawnSync(program!, args, { encoding: "utf8", timeout: 30_000 });
  return status === 0 ? undefined : `systemd-nspawn cannot run here: ${stderr.trim().split("\n").at(-1)}`;
}

/** The command that starts a container of the tree. Its network is its own loopback alone. */
function containerCommand(args: string[]): string[] {
  const nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"];
  const machine = [`--machine=relay-test-${process.pid}`, "--directory=/mnt/root", ...args];
  return ["unshare", "--mount", "sh", "-c", runContainer, tree, ...nspawn, ...machine];
}

/** A running machine, with the executable in `/root/relay`. What it writes is gone when it ends. */
export interface Machine {
  /** Runs shell commands on it, as root. */
  sh(commands: string, input?: string | Uint8Array): Promise<Run>;
  /** Runs shell commands on it that must succeed, and gives what they print. */
  do(commands: string, input?: string | Uint8Array): Promise<string>;
  /** Writes a file on it. */
  write(path: string, text: string, mode?: string): Promise<void>;
  /** Shuts it down and boots it again; what it has written stays. */
  reboot(): Promise<void>;
  /** Ends it as a power cut would. */
  close(): Promise<void>;
}

/** Boots a machine, which takes some seconds. */
export async function startMachine(): Promise<Machine> {
  const [program, ...args] = containerCommand(["--boot"]);
  const container = spawn(program!, args, { stdio: ["ignore", "pipe", "pipe"] });
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
    if (!hasEnded) process.kill(init ?? childrenOf(container.pid!)[0] ?? container.pid!, "SIGKILL");
    await ended;
  };
  const sh: Machine["sh"] = (commands, input = "") => runIn(initOf(container)!, commands, input);
  const booted = (before?: number) =>
    until("the machine to boot", async () => {
      if (hasEnded) throw new Error(`The machine ended: ${output}`);
      const init = initOf(container);
      return init !== undefined && init !== before &&
        /running|degraded/.test((await sh("systemctl is-system-running")).stdout);
    }, 40_000);
  try {
    await booted();
    const machine: Machine = {
      sh,
      close,
      async reboot() {
        const before = initOf(container);
        await machine.do("systemctl --no-block reboot");
        await booted(before);
      },
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

/** Process id of the machine's first process, once there is one. */
function initOf({ pid }: ChildProcess): number | undefined {
  try {
    const containers = childrenOf(pid!);
    return containers.flatMap(childrenOf).find((child) => readFileSync(`/proc/${child}/comm`, "utf8") === "systemd\n");
  } catch {
    return undefined; // one of them has just ended
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
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
