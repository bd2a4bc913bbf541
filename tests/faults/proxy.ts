/** A TCP proxy that cuts connections, in the middle of a request or of its answer. */

import type { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Where a connection is cut: when so many bytes have gone through in this direction. */
export interface Cut {
  in: "request" | "answer";
  afterBytes: number;
}

export interface Proxy {
  port: number;
  /** Connections that were cut so far. */
  cuts(): number;
  close(): Promise<void>;
}

/**
 * Starts a proxy on loopback.
 * @param port Where it leads to.
 * @param plan Says, for each connection from 1, where it is cut; `undefined` lets it be.
 */
export async function startProxy(port: number, plan: (connection: number) => Cut | undefined): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let cuts = 0;

  const server = createServer((client) => {
    const target = connect(port, "127.0.0.1");
    const cut = plan(++connections);
    const end = () => {
      client.destroy();
      target.destroy();
    };
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    const limits = { request: Infinity, answer: Infinity };
    if (cut) limits[cut.in] = cut.afterBytes;
    const cutNow = () => {
      cuts++;
      target.destroy();
      client.end(() => client.resetAndDestroy()); // what was let through arrives, and only then the reset
    };
    pass(client, target, limits.request, cutNow);
    pass(target, client, limits.answer, cutNow);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Passes on what comes in, up to so many bytes. */
function pass(from: Socket, to: Socket, limit: number, atLimit: () => void): void {
  let left = limit;
  from.on("data", (chunk: Buffer) => {
    if (left <= 0) return;
    to.write(chunk.subarray(0, left));
    left -= chunk.byteLength;
    if (left <= 0) atLimit();
  });
  from.on("end", () => to.end());
}
