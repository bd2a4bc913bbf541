/** What the servers that stand for vendors share: they take what the vendor takes, and fail as a test says. */

import type { ServerResponse } from "node:http";
import { type Respond, type Sink, type SinkRequest, startSink } from "../sink.ts";

/** An answer; what is no text is sent as JSON. */
export interface VendorAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What a reader sees of a message. */
export interface Shown {
  text: string;
  /** What is formatted, linked or mentioned in it: `bold: …`. */
  effects: string[];
}

/** A vendor's server, and what it has taken. */
export interface VendorServer {
  sink: Sink;
  /** Messages as readers see them. */
  shown: Shown[];
  close(): Promise<void>;
}

/** What a vendor makes of a request: an answer, and the message if it is taken. */
export type Take = (request: SinkRequest, json: Record<string, unknown>) => VendorAnswer & { shown?: Shown };

/** Starts a server that gives `answers` to the first requests, and then takes or refuses each as the vendor does. */
export async function startVendor(
  take: Take,
  answers: readonly (VendorAnswer | Respond)[] = [],
): Promise<VendorServer> {
  const shown: Shown[] = [];
  const sink = await startSink((response, request, count) => {
    const given = answers[count - 1];
    if (typeof given === "function") return given(response, request, count);
    if (given) return write(response, given);
    const taken = take(request, jsonOf(request));
    if (taken.shown) shown.push(taken.shown);
    write(response, taken);
  });
  return { sink, shown, close: sink.close };
}

function write(response: ServerResponse, { status, body, headers = {} }: VendorAnswer): void {
  const isText = body === undefined || typeof body === "string";
  response.writeHead(status, { "Content-Type": isText ? "text/html" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

function jsonOf({ body }: SinkRequest): Record<string, unknown> {
  try {
    return JSON.parse(body.toString());
  } catch {
    return {};
  }
}
