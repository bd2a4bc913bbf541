/** A real HTTP server that records what it is sent and answers as a test says. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "./wait.ts";

/** A request as it arrived. */
export interface SinkRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Unix milliseconds. */
  at: number;
}

/** Answers one request, in any way that HTTP allows or forbids; `count` is 1 for the first. */
export type Respond = (response: ServerResponse, request: SinkRequest, count: number) => void;

export interface Sink {
  url: string;
  port: number;
  requests: SinkRequest[];
  /** Resolves with the requests when there are at least so many. */
  received(count: number, timeoutMs?: number): Promise<SinkRequest[]>;
  close(): Promise<void>;
}

/** Starts a sink on loopback, on a free port unless one is given; it answers `200 ok` unless the test says otherwise. */
export async function startSink(respond: Respond = (response) => void response.end("ok"), port = 0): Promise<Sink> {
  const requests: SinkRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const received = { method, path, headers, body: Buffer.concat(chunks), at: Date.now() };
      respond(response, received, requests.push(received));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    received: (count, timeoutMs) => until(`${count} requests`, () => requests.length >= count && requests, timeoutMs),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A response with this status, and perhaps a text and headers. */
export function status(code: number, text = "", headers: Record<string, string> = {}): Respond {
  return (response) => void response.writeHead(code, headers).end(text);
}

/** Answers after a while. */
export function delayed(ms: number, respond: Respond): Respond {
  return (response, request, count) => void setTimeout(() => respond(response, request, count), ms);
}

/** Never answers. */
export const hang: Respond = () => {};

/** Cuts the connection without an answer. */
export const reset: Respond = (response) => response.socket!.resetAndDestroy();

/** Says 200 and the length of a body, and cuts the connection in the middle of it. */
export const halfAnswer: Respond = (response) => {
  response.writeHead(200, { "Content-Length": "100" });
  response.write("half of it", () => response.socket?.destroy());
};

/** Answers in no protocol that anybody knows. */
export const garbage: Respond = (response) => void response.socket!.end("\0\x01 no such protocol\r\n\r\n");
