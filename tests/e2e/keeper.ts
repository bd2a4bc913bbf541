/**
 * A parent such as a service manager, run by Bun: opens a socket, and starts on it what its arguments say; at SIGUSR2 ends
 * that and starts it again, at SIGTERM ends with it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { libc } from "../../lib/libc.ts";

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
// A copy of the socket, which stays when the server that would accept on it is closed.
const F_DUPFD = 0;
const socket = libc()!.fcntl((server as unknown as { _handle: { fd: number } })._handle.fd, F_DUPFD, 10);
server.close();

/** By a shell, as a process must be told its own id; descriptor 3 is the socket. */
function start(): ChildProcess {
  const command = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';
  return spawn("sh", ["-c", command, "sh", ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", socket],
  });
}

async function end(child: ChildProcess): Promise<number> {
  process.kill(child.pid!, "SIGTERM");
  const [code] = await once(child, "exit");
  return code;
}

let child = start();
process.on("SIGUSR2", async () => {
  if (await end(child) !== 0) process.exit(1);
  child = start();
});
process.on("SIGTERM", async () => process.exit(await end(child)));
