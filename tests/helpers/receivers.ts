/** The guide's receivers, as real programs: Express on Node.js, Flask on Python, and PHP. */

import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { freePort } from "./port.ts";
import { until } from "./wait.ts";

const folder = fileURLToPath(new URL("../receivers/", import.meta.url));

/** Whether this machine has the program, and it ends well. */
function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** Debian's Python is the one that has Debian's Flask. */
const python = ["/usr/bin/python3", "python3"].find((program) => runs(program, "-c", "import flask"));

/** How to run each, and what a test that needs it says where it is not to be had. */
export const receivers = {
  Express: {
    skip: runs("node", "--version") ? false : "needs node",
    command: () => ["node", "express.cjs"],
  },
  Flask: {
    skip: python ? false : "needs Python with Flask, of the package python3-flask",
    command: (port: number) => [python!, "-m", "flask", "--app", "receiver", "run", "--port", String(port)],
  },
  PHP: {
    skip: runs("php", "--version") ? false : "needs php, of the package php-cli",
    command: (port: number) => ["php", "-d", "error_log=", "-S", `127.0.0.1:${port}`, "receiver.php"],
  },
};

export interface Receiver {
  url: string;
  /** What it has written. */
  log(): string;
  close(): Promise<void>;
}

/** Starts one of them, and waits until it answers. */
export async function startReceiver(name: keyof typeof receivers, secret: string): Promise<Receiver> {
  const port = await freePort();
  const [program, ...args] = receivers[name].command(port);
  const child = spawn(program!, args, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      WEBHOOK_SECRET: secret,
      RECEIVER_LOG: "1",
      PORT: String(port),
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => log += chunk);
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const url = `http://127.0.0.1:${port}/webhook`;
  const isUp = () => fetch(url).then((response) => response.text().then(() => true), () => false);
  await until(`${name}, which says: ${log}`, isUp, 20_000);
  return {
    url,
    log: () => log,
    async close() {
      process.kill(child.pid!, "SIGKILL");
      await ended;
    },
  };
}
