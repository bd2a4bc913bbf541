/** A server on loopback that reads requests and does with each what a test says. */

import { type AddressInfo, createServer, type Socket } from "node:net";

/** Such a server. */
export interface Script {
  url: string;
  /** What came, a request each, its bytes as characters. */
  requests: string[];
  /** How many connections there were. */
  connections(): number;
  /** How many of them are open. */
  open(): number;
  /** Reads what came, where it did not read. */
  read(): void;
  /** Does this with each connection before it is read. */
  onConnection(act: (socket: Socket) => void): void;
  close(): Promise<void>;
}

/**
 * Starts a server.
 * @param act What to do when a request is whole; `request` counts those of its connection from 1.
 * @param options.isReading Whether it reads at all. Default: yes.
 */
export async function startScript(
  act: (socket: Socket, request: number) => void,
  { host = "127.0.0.1", isReading = true }: { host?: string; isReading?: boolean } = {},
): Promise<Script> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let onConnection = (_: Socket) => {};
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    onConnection(socket);
    if (!isReading) return void socket.pause();
    let [text, count] = ["", 0];
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let length = lengthOf(text); text.length >= length; length = lengthOf(text)) {
        requests.push(text.slice(0, length));
        text = text.slice(length);
        act(socket, ++count);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    read() {
      for (const socket of sockets) socket.resume();
    },
    onConnection: (next) => void (onConnection = next),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Length of the first request in a text; infinite if its head is not whole. */
function lengthOf(text: string): number {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return Infinity;
  return end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
}
