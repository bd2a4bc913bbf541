/** What the relay is compared with, each on the server's core; none of them stores anything. */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { cpuSeconds } from "./cpu.ts";
import { bodyOf, SECRET, sign } from "./events.ts";
import { benchFile, bun, freePort, isInstalled, searchPath } from "./machine.ts";
import { delay, type Running, start } from "./processes.ts";

/** A receiver that is compared with. */
export interface Peer {
  name: string;
  isInstalled(): boolean;
  /** Whether it checks signatures. */
  verifies: boolean;
  /** Starts it on this port; `folder` is empty, and its own. */
  start(port: number, folder: string): Running[];
}

/** Path of a receiver's file. */
const receiver = (name: string) => benchFile(`../receivers/${name}`);

const environment = { WEBHOOK_SECRET: SECRET };

export const express: Peer = {
  name: "Express 5",
  isInstalled: () => isInstalled("node"),
  verifies: true,
  start: (port) => [
    start("server", ["node", receiver("express.cjs")], {
      env: { ...environment, PORT: String(port), NODE_ENV: "production" },
    }),
  ],
};

export const flask: Peer = {
  name: "Flask (gunicorn)",
  isInstalled: () => isInstalled("gunicorn") && spawnSync("python3", ["-c", "import flask"]).status === 0,
  verifies: true,
  start(port) {
    const threads = ["--workers", "2", "--threads", "32", "--keep-alive", "60"];
    const env = { ...environment, PYTHONDONTWRITEBYTECODE: "1" };
    const command = ["gunicorn", "--bind", `127.0.0.1:${port}`, ...threads, "receiver:app"];
    return [start("server", command, { cwd: receiver("."), env })];
  },
};

/** Debian's program has PHP's version in its name. */
function fpm(): string {
  const programs = existsSync("/usr/sbin") ? readdirSync("/usr/sbin") : [];
  return programs.find((name) => name.startsWith("php-fpm")) ?? "php-fpm";
}

/** Without the last one, a file is compiled at each request for two seconds after it was written. */
const opcache = ["-d", "opcache.enable=1", "-d", "opcache.file_update_protection=0"];

export const php: Peer = {
  name: "PHP (fpm, opcache, nginx)",
  isInstalled: () => isInstalled(fpm()) && isInstalled("nginx"),
  verifies: true,
  start(port, folder) {
    const isRoot = process.getuid?.() === 0;
    if (
      !/^Opcode Caching => Up and Running$/m.test(
        spawnSync(fpm(), [...opcache, "-i"], { env: { PATH: searchPath } }).stdout.toString(),
      )
    ) {
      throw new Error("PHP has no opcache");
    }
    copyFileSync(receiver("receiver.php"), join(folder, "receiver.php"));
    writeFileSync(
      join(folder, "fpm.conf"),
      `[global]
error_log = /dev/null
daemonize = no
[bench]
${isRoot ? "user = www-data\ngroup = www-data" : ""}
listen = ${folder}/fpm.sock
listen.mode = 0666
listen.backlog = 1024
pm = static
pm.max_children = 4
env[WEBHOOK_SECRET] = ${SECRET}
`,
    );
    writeFileSync(
      join(folder, "nginx.conf"),
      `${isRoot ? "user www-data;" : ""}
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location /webhook {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME ${folder}/receiver.php;
      fastcgi_pass unix:${folder}/fpm.sock;
    }
  }
}
`,
    );
    return [
      start("server", [fpm(), ...opcache, "--nodaemonize", "--fpm-config", join(folder, "fpm.conf")]),
      start("server", ["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "/dev/null"]),
    ];
  },
};

/** Debian's `webhook`. */
export const webhook: Peer = {
  name: "webhook (a process an event)",
  isInstalled: () => isInstalled("webhook"),
  verifies: true,
  start(port, folder) {
    const rule = {
      type: "payload-hmac-sha256",
      secret: SECRET,
      parameter: { source: "header", name: "X-ConnectVets-Signature" },
    };
    const hook = {
      id: "webhook",
      "execute-command": "/bin/true",
      "include-command-output-in-response": true, // so that an answer means a process that has run
      "trigger-rule": { match: rule },
      "trigger-rule-mismatch-http-response-code": 401,
    };
    writeFileSync(join(folder, "hooks.json"), JSON.stringify([hook]));
    const args = ["-hooks", join(folder, "hooks.json"), "-ip", "127.0.0.1", "-port", String(port), "-urlprefix", ""];
    return [start("server", ["webhook", ...args])];
  },
};

/** What Bun's server can do at best. */
export const bareOk: Peer = bare("bare Bun.serve", "ok");
export const bareHmac: Peer = bare("bare Bun.serve, body and HMAC", "hmac");

function bare(name: string, kind: "ok" | "hmac"): Peer {
  return {
    name,
    isInstalled: () => true,
    verifies: kind === "hmac",
    start: (port) => [start("server", [bun, benchFile("peers/bare.ts"), String(port), SECRET, kind])],
  };
}

/** All that are compared with, installed or not. */
export const peers: readonly Peer[] = [express, php, flask, webhook];

/** Starts a peer, sees that it takes a genuine event and no other, and ends it after `use`, which may ask for its CPU. */
export async function withPeer<Result>(
  peer: Peer,
  use: (port: number, cpu: () => number | undefined) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "relay-bench-"));
  chmodSync(folder, 0o755); // nginx and PHP give up root
  const port = await freePort();
  const running = peer.start(port, folder);
  try {
    await taking(peer, port);
    return await use(port, () => cpuSeconds(running.map(({ pid }) => pid)));
  } finally {
    for (const one of running.reverse()) await one.stop();
    rmSync(folder, { recursive: true });
  }
}

async function taking(peer: Peer, port: number): Promise<void> {
  const body = bodyOf(0, Date.now());
  const post = (signature: string) =>
    fetch(`http://127.0.0.1:${port}/webhook`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-ConnectVets-Signature": signature },
      body,
    }).then(async (response) => (await response.text(), response.status), () => 0);
  let status = 0;
  for (let tries = 0; tries < 100 && status !== 200; tries++) {
    await delay(50);
    status = await post(sign(body));
  }
  if (status !== 200) throw new Error(`${peer.name} answers ${status} to a genuine event`);
  const refusal = await post(sign(`${body} `));
  if (refusal < 400 && peer.verifies) throw new Error(`${peer.name} answers ${refusal} to a forged event`);
}
