/** Answers, as they go out on a connection. */

import { Buffer } from "node:buffer";

/** What the statuses in use are called. A client goes by the number. */
const names: Record<number, string> = {
  200: "OK",
  202: "Accepted",
  204: "No Content",
  303: "See Other",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
};

/** An answer whose parts are at hand, so that its connection need not ask the runtime for them, which takes longer. */
export class TextAnswer extends Response {
  /** What its head begins with. */
  readonly start: string;
  /** Bytes of its content. */
  readonly length: number;

  constructor(readonly content: string, status: number, fields: Record<string, string>) {
    super(content, { status, headers: fields });
    this.start = statusLineOf(status);
    for (const name in fields) this.start += `${name}: ${fields[name]}\r\n`;
    this.length = Buffer.byteLength(content);
  }
}

/** An answer of one sentence. */
export function textAnswer(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new TextAnswer(text, status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
}

let second = 0;
let date = "";

/** The time as a header has it, to the second. */
function dateOf(now: number): string {
  if (Math.floor(now / 1000) !== second) {
    second = Math.floor(now / 1000);
    date = new Date(now).toUTCString();
  }
  return date;
}

/**
 * The head of an answer.
 * @param length Bytes of the body; `chunked` if it comes in chunks, `unknown` if none comes.
 * @param connection What becomes of the connection.
 */
export function headOf(
  response: Response,
  length: number | "chunked" | "unknown",
  connection: "close" | "keep-alive",
): string {
  const { status } = response;
  let text = response instanceof TextAnswer ? response.start : startOf(response);
  if (length === "chunked") text += "Transfer-Encoding: chunked\r\n";
  else if (length !== "unknown" && status !== 204 && status !== 304) text += `Content-Length: ${length}\r\n`;
  return `${text}Connection: ${connection}\r\nDate: ${dateOf(Date.now())}\r\n\r\n`;
}

/** The status and the headers that are its own, not of its connection. */
function startOf({ status, headers }: Response): string {
  let text = statusLineOf(status);
  headers.forEach((value, name) => {
    if (!/^(connection|content-length|date|transfer-encoding)$/.test(name)) text += `${name}: ${value}\r\n`;
  });
  return text;
}

function statusLineOf(status: number): string {
  return `HTTP/1.1 ${status} ${names[status] ?? ""}\r\n`;
}

/** A piece of a body whose length was not known. An empty one would end it. */
export function chunkOf(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** Ends a body that came in chunks. */
export const LAST_CHUNK = "0\r\n\r\n";
