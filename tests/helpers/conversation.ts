/** Conversations by HTTP, byte by byte: what no client would send, over TCP and over TLS. */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How a client connects to a listener on this machine. */
export interface Line {
  port: number;
  isTls?: boolean;
  /** Address of the client; default 127.0.0.1. */
  from?: string;
}

/** Connects, and stays half open when the other end has ended. */
export function open({ port, isTls = false, from }: Line): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", localAddress: from, allowHalfOpen: true, rejectUnauthorized: false };
    const socket: Socket = isTls ? connectTls(options, () => resolve(socket)) : connect(options, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** One answer of a server. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
}

/**
 * Sends these bytes and resolves with all answers once there are `count`, or when the server ends the connection.
 * @param half Ends its own side after sending.
 */
export async function converse(
  line: Line,
  bytes: string | Uint8Array,
  { count = 1, half = false }: { count?: number; half?: boolean } = {},
): Promise<Reply[]> {
  const socket = await open(line);
  let received = Buffer.alloc(0);
  const done = new Promise<Reply[]>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const replies = repliesIn(received);
      if (replies.length >= count) resolve(replies);
    });
    socket.on("end", () => resolve(repliesIn(received)));
    socket.on("close", () => resolve(repliesIn(received)));
    socket.on("error", () => {});
  });
  socket.write(bytes);
  if (half) socket.end();
  try {
    return await done;
  } finally {
    socket.destroy();
  }
}

/** The answers that are whole. */
export function repliesIn(received: Buffer): Reply[] {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return [];
  const [first = "", ...lines] = received.toString("latin1", 0, end).split("\r\n");
  const headers = new Headers(lines.map((line) => line.split(/:\s*(.*)/s).slice(0, 2) as [string, string]));
  const status = Number(first.split(" ")[1]);
  const length = Number(headers.get("Content-Length") ?? 0);
  const rest = received.subarray(end + 4);
  if (rest.length < length) return [];
  const text = rest.toString("utf8", 0, length);
  return [{ status, headers, text }, ...repliesIn(rest.subarray(length))];
}
