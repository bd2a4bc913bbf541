/** One connection: a request is written, its answer is read as far as it is bounded. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { writeSoon } from "../http/burst.ts";
import { type Head, headerOf, Parser, type ParserProblem } from "../http/parser.ts";
import { ConnectionLost, OutboundError } from "./error.ts";

/** An answer. */
export interface Answer {
  status: number;
  headers: AnswerHeaders;
  /** The bytes that came, as they came: nothing is decompressed. */
  body: Buffer;
  /** How the body is compressed, such as `br`, which no answer is asked to be. */
  coding?: string;
  /** Whether the body came to its end within its bounds. */
  isWhole: boolean;
}

/** Headers by name, in any case. */
export interface AnswerHeaders {
  /** The value; those of several headers of the name are joined by commas. `null` if there is none. */
  get(name: string): string | null;
}

/** How far an answer is read. */
export interface Bounds {
  /** Most bytes of a body. */
  maxBytes: number;
  /** Longest wait for the rest of a body after the head, in milliseconds. */
  restMs: number;
  /** The deadline. After the head has come, it ends no more than the body. */
  signal: AbortSignal;
}

/** Most bytes that may come before the head is whole, with what only informs (1xx). */
const MAX_HEAD_BYTES = 64 * 1024;

/** Most bytes of a body that is compressed, and so of little use. */
const MAX_COMPRESSED_BYTES = 64 * 1024;

/** Most characters that are told of how it is. */
const MAX_CODING = 32;

/** Bodies of at most this many bytes are copied, and sent together with the head. */
const MAX_JOINED_BYTES = 16 * 1024;

const EMPTY = Buffer.alloc(0);

/** A request under way. */
class Exchange {
  /** The final head, once it has come, and what it says. */
  head?: Head = undefined;
  headers?: AnswerHeaders = undefined;
  coding?: string = undefined;
  hasInformed = false;
  body: Buffer[] = [];
  bodyBytes = 0;
  maxBytes: number;
  /** All that came. */
  bytes = 0;
  isEnded = false;
  timer?: ReturnType<typeof setTimeout> = undefined;

  constructor(
    readonly method: string,
    readonly bounds: Bounds,
    readonly resolve: (answer: Answer) => void,
    readonly reject: (error: unknown) => void,
  ) {
    this.maxBytes = bounds.maxBytes;
  }
}

export class Connection {
  /** Whether another request may be sent on it, as far as is known. */
  isOpen = true;
  readonly #socket: Socket;
  readonly #parser: Parser;
  #exchange?: Exchange;

  /** @param socket Connected; nothing else reads from it or writes to it from now on. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.#parser = new Parser("answer", {
      onHead: (head) => this.#onHead(head),
      onBody: (fed, start, end) => this.#onBody(fed.subarray(start, end)),
      onEnd: () => this.#onEnd(),
    });
    socket.on("data", this.#onData).on("end", this.#onClose).on("close", this.#onClose).on("error", this.#onClose);
  }

  /**
   * Sends a request and reads its answer. One at a time.
   * @param head As it is written, each character a byte.
   * @returns The answer, also one whose body is cut, or longer than its bounds.
   * @throws {OutboundError} if none comes; whatever the system says; the signal's reason.
   */
  send(method: string, head: string, body: Uint8Array | undefined, bounds: Bounds): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { signal } = bounds;
      if (signal.aborted) {
        this.close();
        return reject(signal.reason);
      }
      if (!this.isOpen) return reject(new ConnectionLost(true));
      this.#exchange = new Exchange(method, bounds, resolve, reject);
      signal.addEventListener("abort", this.#onAbort);
      this.#write(head, body ?? EMPTY);
    });
  }

  /** Lets the program end while nothing is under way on it. */
  rest(): void {
    this.#socket.unref();
  }

  /** Undoes {@link rest}. */
  wake(): void {
    this.#socket.ref();
  }

  close(): void {
    this.#release();
    this.#socket.on("error", () => {}).destroy();
  }

  /** Gives the socket back, which is a tunnel after an answer of status 2xx to CONNECT. */
  detach(): Socket {
    this.#release();
    return this.#socket;
  }

  #release(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const close = this.#onClose;
    this.#socket.off("data", this.#onData).off("end", close).off("close", close).off("error", close);
    this.#parser.free();
  }

  #write(head: string, body: Uint8Array): void {
    if (body.byteLength > MAX_JOINED_BYTES) {
      this.#socket.write(head, "latin1");
      this.#socket.write(body);
      return;
    }
    const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
    bytes.write(head, "latin1");
    bytes.set(body, head.length);
    writeSoon(this.#socket, bytes);
  }

  readonly #onData = (chunk: Buffer): void => {
    const exchange = this.#exchange;
    if (!exchange) return this.close(); // nothing was asked
    exchange.bytes += chunk.length;
    let read = 0;
    while (read < chunk.length && !exchange.isEnded && !this.#parser.problem) {
      read += this.#parser.feed(chunk.subarray(read));
    }
    if (exchange.isEnded) {
      // What was not sent, or came unasked, would belong to the next request.
      const isClean = read === chunk.length && this.#socket.writableLength === 0;
      this.#settle(isClean && (isKeptAlive(exchange) || isTunnel(exchange)), true);
    } else if (this.#parser.problem || isBeyond(exchange)) {
      this.#cut(problemOf(exchange, this.#parser.problem));
    } else if (exchange.head) exchange.timer ??= setTimeout(() => this.#cut(undefined), exchange.bounds.restMs);
  };

  readonly #onClose = (error?: unknown): void => {
    const exchange = this.#exchange;
    if (!exchange) return this.close();
    if (exchange.head) this.#parser.finish();
    if (exchange.isEnded) this.#settle(false, true);
    else this.#cut(error instanceof Error && !isCut(error) ? error : new ConnectionLost(exchange.bytes === 0));
  };

  readonly #onAbort = (): void => this.#cut(this.#exchange!.bounds.signal.reason);

  /** Ends what is under way: with the answer as far as it came, if its head did, else with the error. */
  #cut(error: unknown): void {
    if (this.#exchange!.head) return this.#settle(false, false);
    const { reject } = this.#finish();
    this.close();
    reject(error);
  }

  #settle(isReusable: boolean, isWhole: boolean): void {
    const { resolve, head, headers, coding, body, bodyBytes, maxBytes } = this.#finish();
    if (!isReusable) this.close();
    const bytes = body.length === 1 ? body[0]! : body.length === 0 ? EMPTY : Buffer.concat(body);
    resolve({
      status: head!.status,
      headers: headers!,
      coding,
      body: bytes.subarray(0, maxBytes),
      isWhole: isWhole && bodyBytes <= maxBytes,
    });
  }

  #finish(): Exchange {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    clearTimeout(exchange.timer);
    exchange.bounds.signal.removeEventListener("abort", this.#onAbort);
    return exchange;
  }

  #onHead(head: Head): boolean {
    const exchange = this.#exchange!;
    const { status } = head;
    exchange.hasInformed ||= isInforming(status);
    if (isInforming(status)) return true;
    exchange.head = head;
    exchange.headers = { get: (name) => headerOf(head, name) };
    exchange.coding = codingOf(exchange.headers);
    if (exchange.coding) exchange.maxBytes = Math.min(exchange.maxBytes, MAX_COMPRESSED_BYTES);
    return isTunnel(exchange) || exchange.method === "HEAD" || status < 200 || status === 204 || status === 304;
  }

  #onBody(bytes: Buffer): void {
    const exchange = this.#exchange!;
    exchange.bodyBytes += bytes.length;
    if (exchange.bodyBytes - bytes.length < exchange.maxBytes) exchange.body.push(Buffer.from(bytes));
  }

  #onEnd(): void {
    const exchange = this.#exchange!;
    exchange.isEnded = exchange.head !== undefined;
  }
}

/** 101 would end HTTP on the connection, which no request asks for. */
function isInforming(status: number): boolean {
  return status < 200 && status !== 101;
}

/** An answer that says its length twice, or in a way that its sender does not know, may end elsewhere (RFC 9112, 6.3). */
function isKeptAlive({ head, headers }: Exchange): boolean {
  const isAmbiguous = headers!.get("Transfer-Encoding") !== null &&
    (head!.isOld || headers!.get("Content-Length") !== null);
  return head!.isKeptAlive && head!.status !== 101 && !isAmbiguous;
}

function isTunnel({ method, head }: Exchange): boolean {
  return method === "CONNECT" && head!.status >= 200 && head!.status < 300;
}

/** Whether no more is to be read. A body can be framed so that it is many times its length. */
function isBeyond({ head, bytes, bodyBytes, maxBytes }: Exchange): boolean {
  return bytes > MAX_HEAD_BYTES + (head ? 2 * maxBytes : 0) || bodyBytes > maxBytes;
}

function problemOf({ bytes, hasInformed }: Exchange, problem?: ParserProblem): OutboundError {
  if (bytes <= MAX_HEAD_BYTES && problem !== "head_too_large") {
    return new OutboundError("unexpected_answer", ({ network }) => network.notHttp);
  }
  return new OutboundError(
    "unexpected_answer",
    ({ network }) => hasInformed ? network.onlyInforms : network.endlessHead,
  );
}

/** Whether an error says no more than that the connection is no longer there. */
function isCut(error: Error): boolean {
  return ["ECONNRESET", "EPIPE", "ECONNABORTED", "ENOTCONN"].includes((error as NodeJS.ErrnoException).code ?? "");
}

function codingOf(headers: AnswerHeaders): string | undefined {
  const coding = headers.get("Content-Encoding")?.toLowerCase().slice(0, MAX_CODING);
  return coding === "identity" ? undefined : coding || undefined;
}
