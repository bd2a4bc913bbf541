/** A request that is coming in: its head is there, its body may be on its way. */

import type { Socket } from "node:net";
import { textAnswer } from "./answer.ts";
import { Body, type BodyProblem } from "./body.ts";
import { type Head, headerOf } from "./parser.ts";

/** A request, as its handler sees it. */
export interface Incoming {
  readonly method: string;
  /** Whole, with a host that can be. */
  readonly url: string;
  /** Address of the other end of the connection. */
  readonly client: string;
  /** Aborted when the client goes before it has its answer. */
  readonly signal: AbortSignal;
  /** The value of a header; several of one name are joined by commas. */
  header(name: string): string | null;
  /** The request as web standards have it, without its body, made when it is asked for: most requests do without. */
  request(): Request;
  /** Resolves with the bytes of the body when all have come. To be called once. */
  body(maxBytes: number): Promise<Uint8Array | BodyProblem>;
}

/** Answers requests. */
export type Handler = (incoming: Incoming) => Promise<Response>;

/** {@link Incoming}, as its connection sees it. */
export class IncomingRequest implements Incoming {
  readonly content: Body;
  readonly #head: Head;
  readonly #socket: Socket;
  readonly #transfer: string | null;
  #aborter?: AbortController;

  constructor(head: Head, readonly client: string, socket: Socket) {
    this.#head = head;
    this.#socket = socket;
    this.#transfer = this.header("Transfer-Encoding");
    this.content = new Body(this.#transfer !== null ? Infinity : Number(this.header("Content-Length") ?? 0));
  }

  get method(): string {
    return this.#head.method;
  }

  /** What follows a body whose end another reader may see elsewhere is not read (RFC 9112, 6.1). */
  get isKeptAlive(): boolean {
    const isPlain = this.#transfer === null || (!this.#head.isOld && this.#isChunked());
    return isPlain && this.#head.isKeptAlive;
  }

  #isChunked(): boolean {
    return this.#transfer?.toLowerCase() === "chunked";
  }

  /** About how many bytes of memory its head takes. */
  get headBytes(): number {
    return this.#head.headers.reduce((sum, text) => sum + text.length, this.#head.target.length);
  }

  get url(): string {
    const target = this.#path();
    // A client may name no host, as in HTTP/1.0, which health checks speak, or one that cannot be.
    const host = this.header("Host") ?? "";
    const isHost = /^[\w.-]+(:\d{1,4})?$/.test(host) || (!/[/?#@\\]/.test(host) && URL.canParse(`http://${host}/`));
    return `http://${isHost ? host : "localhost"}${target}`;
  }

  /** Path and query of the target, which a proxy may have written with scheme and host (RFC 9112, 3.2). */
  #path(): string {
    const { target } = this.#head;
    if (target.startsWith("/")) return target;
    const url = URL.canParse(target) ? new URL(target) : undefined;
    return url?.protocol.match(/^https?:$/) ? url.pathname + url.search : "/*";
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    return this.#aborter.signal;
  }

  header(name: string): string | null {
    return headerOf(this.#head, name);
  }

  request(): Request {
    const { headers } = this.#head;
    const pairs = Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at]!, headers[2 * at + 1]!]);
    return new Request(this.url, { method: this.method, headers: pairs as [string, string][], signal: this.signal });
  }

  body(maxBytes: number): Promise<Uint8Array | BodyProblem> {
    const encoding = this.header("Content-Encoding") || "identity";
    const isEncoded = this.#transfer !== null && !this.#isChunked();
    if (isEncoded || encoding.toLowerCase() !== "identity") this.content.fail("encoded");
    const result = this.content.read(maxBytes);
    if (this.content.isAwaited && this.#isGoAheadAwaited()) this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    return result;
  }

  /** Whether its sender may wait before it sends the body, which no sender of HTTP/1.0 does (RFC 9110, 10.1.1). */
  #isGoAheadAwaited(): boolean {
    return !this.#head.isOld && this.header("Expect")?.toLowerCase() === "100-continue";
  }

  /** The answer to what no handler need see. */
  refusal(): Response | undefined {
    const { method, headers } = this.#head;
    if (/^(CONNECT|TRACE|TRACK)$/.test(method)) return methodRefused(); // web standards have no such request
    let hosts = 0;
    for (let at = 0; at < headers.length; at += 2) {
      if (headers[at]!.length === 4 && headers[at]!.toLowerCase() === "host") hosts++;
    }
    return hosts > 1 ? textAnswer(400, "The request has more than one Host header") : undefined;
  }

  abort(): void {
    this.content.fail("cut");
    this.#aborter?.abort();
  }
}

/** The answer to a method that nobody here knows. */
export function methodRefused(): Response {
  return textAnswer(405, "Method not allowed", { Allow: "POST" });
}
