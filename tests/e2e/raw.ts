/** HTTP spoken by hand, for requests that no client would send. */

import { Buffer } from "node:buffer";
import { connect } from "node:net";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/**
 * Sends these bytes and resolves with the answer, which may come before the request is whole.
 * @param head Request line and header lines; `Host` is added where they have none, though HTTP/1.1 asks for one.
 */
export function exchange(port: number, head: readonly string[], body: string | Uint8Array = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const answer = answerOf(received);
      if (!answer) return;
      resolve(answer);
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`The connection was closed after: ${received}`)));
    const needsHost = head[0]!.endsWith(" HTTP/1.1") && !head.some((line) => /^host:/i.test(line));
    const host = needsHost ? ["Host: relay.example"] : [];
    const lines = [head[0], ...host, ...head.slice(1), "", ""];
    socket.write(Buffer.concat([Buffer.from(lines.join("\r\n")), Buffer.from(body)]));
  });
}

/** One piece of a body that is sent in pieces, its length unsaid. */
export function chunk(bytes: string | Uint8Array): Uint8Array {
  const length = Buffer.byteLength(bytes).toString(16);
  return Buffer.concat([Buffer.from(`${length}\r\n`), Buffer.from(bytes), Buffer.from("\r\n")]);
}

/** The answer, once it is whole. */
function answerOf(received: string): Answer | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = received.slice(0, end).split("\r\n");
  const headers = new Headers(lines.map((line) => line.split(/:\s*(.*)/s).slice(0, 2) as [string, string]));
  const text = received.slice(end + 4);
  if (text.length < Number(headers.get("Content-Length") ?? 0)) return undefined;
  return { status: Number(first.split(" ")[1]), headers, text };
}
