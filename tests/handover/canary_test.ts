/**
 * What handing a socket over relies on and the executable's runtime promises nowhere. Each test says in its name which part
 * of the runtime has changed if it fails; `lib/handover/` and `fd` in `lib/http/server.ts` are what then has to follow.
 */

// Runs on Bun alone: what it looks at is Bun's.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { test } from "node:test";
import { isListening } from "../../lib/handover/descriptor.ts";
import { descriptorOf } from "../../lib/http/descriptors.ts";
import { libc } from "../../lib/libc.ts";
import { runtime } from "../../lib/runtime.ts";

/** Only there is a socket handed over. */
const needsBun = { skip: runtime.name === "bun" && libc() ? false : "needs Bun on Linux" };

async function listening(options: object): Promise<Server> {
  const server = createServer((socket) => void socket.end("hello"));
  server.listen(options);
  await once(server, "listening");
  return server;
}

const portOf = (server: Server) => (server.address() as { port: number }).port;

/** Another descriptor of the same socket, as another process would have it. */
function copyOf(fd: number): number {
  const F_DUPFD = 0;
  return libc()!.fcntl(fd, F_DUPFD, 10);
}

async function hear(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => text += chunk);
  await once(socket, "close");
  return text;
}

test("a server of node:net has its descriptor in _handle.fd", needsBun, async () => {
  const server = await listening({ host: "127.0.0.1", port: 0 });
  assert.equal(isListening(descriptorOf(server)!), true);
  server.close();
});

test("listen({ fd }) of node:net serves on a socket that is open, and knows its address", needsBun, async () => {
  const first = await listening({ host: "127.0.0.1", port: 0 });
  const [port, fd] = [portOf(first), copyOf(descriptorOf(first)!)];
  first.close();
  const second = await listening({ fd });
  assert.deepEqual([portOf(second), descriptorOf(second)], [port, fd]);
  assert.equal(await hear(port), "hello");
  second.close();
});

test("close() of node:net leaves a socket open that somebody else has, with who waits there", needsBun, async () => {
  const first = await listening({ host: "127.0.0.1", port: 0 });
  const [port, fd] = [portOf(first), copyOf(descriptorOf(first)!)];
  first.close();
  const heard = hear(port); // while nobody accepts
  const second = await listening({ fd });
  assert.equal(await heard, "hello");
  second.close();
});
