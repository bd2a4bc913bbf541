/** A client's connection: its requests are read, handed on and answered, one after the other. */

import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import type { Socket } from "node:net";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { TextAnswer, textAnswer } from "./answer.ts";
import { type Handler, IncomingRequest, methodRefused } from "./incoming.ts";
import { Parser, type ParserProblem } from "./parser.ts";
import type { Occupant, Room } from "./room.ts";
import { Writer } from "./writer.ts";

/** How long a client may take, in milliseconds. */
export interface Patience {
  /** To agree on TLS, and for a head from its first byte on. */
  headMs: number;
  /** For a body, from its head on. */
  bodyMs: number;
  /** Until its first request or its next one, and to take an answer. */
  idleMs: number;
}

/** What the connections of a listener share. */
export interface Surroundings {
  readonly handler: Handler;
  readonly patience: Patience;
  /** Memory for requests that have come in part: small ones, and those of over {@link SMALL_BYTES}. */
  readonly small: Room;
  readonly large: Room;
  /** The monotonic clock, in milliseconds. */
  now(): number;
  /** Whether each answer is the last one on its connection. */
  isRetiring(): boolean;
  onClose(connection: Connection): void;
}

/** Up to here a request is small, in bytes. */
const SMALL_BYTES = 16 * 1024;

/** How long a client has to read the last answer, in milliseconds; what it sends meanwhile is dropped. */
const FAREWELL_MS = 2_000;

/** Who began so recently is not among the slow, in milliseconds. */
const NEW_MS = 1_000;

const EMPTY: Buffer = Buffer.alloc(0);

export class Connection implements Occupant {
  readonly network: string;
  readonly #socket: Socket;
  readonly #transport: Socket;
  readonly #to: Surroundings;
  readonly #parser: Parser;
  readonly #writer: Writer;
  /**
   * `new` until its first byte, `idle` between two requests, `busy` from a whole request to its whole answer, `ending`
   * when nothing is read any more.
   */
  #phase: "new" | "idle" | "head" | "body" | "busy" | "ending" | "closed" = "new";
  #since: number;
  #deadline: number;
  /** Bytes of the request that is coming in. */
  #bytes = 0;
  #incoming?: IncomingRequest;
  /** What came behind the request that is being answered. */
  #rest = EMPTY;
  #room?: Room;
  /** Whether it has to go at once, its answer said. */
  #isEvicted = false;
  /** Whether the client has sent all that it will. */
  #hasEnded = false;
  #isStreaming = false;
  /** Since when the client has to take what was written, in the time of the monotonic clock. */
  #drainingSince?: number;

  /**
   * @param socket What its bytes come from: `transport` itself, or TLS over it.
   * @param client The client's address; `network` is what it counts to.
   */
  constructor(socket: Socket, transport: Socket, client: string, network: string, surroundings: Surroundings) {
    this.network = network;
    this.#socket = socket;
    this.#transport = transport;
    this.#writer = new Writer(socket);
    this.#to = surroundings;
    this.#since = surroundings.now();
    this.#deadline = this.#since + surroundings.patience.headMs;
    this.#parser = new Parser("request", {
      onHead: (head) => {
        this.#incoming = new IncomingRequest(head, client, socket);
        return head.method === "CONNECT";
      },
      onBody: (fed, start, end) => this.#incoming!.content.add(fed, start, end),
      onEnd: () => this.#incoming!.content.end(),
    });
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onClose());
  }

  /** TLS is agreed on, or there is none: its first request can come. */
  open(): void {
    this.#deadline = this.#to.now() + this.#to.patience.idleMs;
  }

  worth(now: number): number {
    const elapsed = now - this.#since;
    if (this.#phase === "busy") {
      return this.#drainingSince === undefined ? Infinity : slowness(0, now - this.#drainingSince);
    }
    if (this.#phase === "idle") return 1e10 - elapsed;
    return slowness(this.#bytes, elapsed);
  }

  evict(): void {
    this.#leaveRoom();
    if (this.#phase !== "body" && this.#phase !== "head") return this.destroy();
    this.#isEvicted = true;
    if (this.#phase === "body") this.#incoming!.content.fail("no_room");
    else this.#answer(textAnswer(503, "The request cannot be taken now", { "Retry-After": "5" }));
  }

  /** Ends what takes too long. */
  checkTime(now: number): void {
    if (now < this.#deadline) return;
    this.#deadline = Infinity;
    if (this.#phase === "body") this.#incoming!.content.fail("late");
    else if (this.#phase === "head") this.#refuse(408, "The request did not arrive in time");
    else this.destroy();
  }

  /** The listener stops: ends it where its client sends nothing, `idle` or also `new`. */
  endIfSilent(phases: "idle" | "all"): void {
    const isSilent = this.#phase === "idle" || (phases === "all" && this.#phase === "new");
    if (isSilent && this.#rest.length === 0) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#transport.destroy(); // which TLS that is not agreed on leaves open
    this.#onClose();
  }

  #onData(bytes: Buffer): void {
    if (this.#phase === "ending" || this.#phase === "closed") return;
    if (this.#phase !== "busy" && this.#rest.length === 0) return this.#read(bytes);
    this.#rest = Buffer.concat([this.#rest, bytes]);
    this.#socket.pause();
    this.#takeRoom();
  }

  #onEnd(): void {
    this.#hasEnded = true;
    if (this.#isStreaming) return this.destroy(); // nobody listens to a stream on a connection of one side
    if (this.#phase === "body") this.#incoming!.content.fail("cut");
    else if (this.#phase === "head") this.#refuse(400, "The request was cut short");
    else if (this.#phase !== "busy" && this.#rest.length === 0) this.#socket.end();
  }

  #onClose(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#leaveRoom();
    this.#incoming?.abort();
    this.#writer.close();
    this.#letGo();
    this.#to.onClose(this);
  }

  /** Reads a request or a part of one. */
  #read(bytes: Buffer): void {
    if (this.#phase === "idle" || this.#phase === "new") bytes = this.#begin(bytes);
    if (bytes.length === 0) return;
    const count = this.#parser.feed(bytes);
    this.#bytes += count;
    if (this.#parser.problem) return this.#onProblem(this.#parser.problem, bytes);
    if (count < bytes.length) this.#rest = bytes.subarray(count);
    const incoming = this.#incoming;
    const isNew = incoming !== undefined && this.#phase === "head";
    if (incoming?.content.isWhole) {
      this.#phase = "busy";
      this.#deadline = Infinity;
      if (this.#rest.length === 0) this.#leaveRoom();
      else this.#takeRoom();
    } else {
      if (isNew) {
        this.#phase = "body";
        this.#deadline = this.#to.now() + this.#to.patience.bodyMs;
      }
      this.#takeRoom();
    }
    if (isNew) this.#handle(incoming);
  }

  /** The first bytes of a request, without line ends before it (RFC 9112, 2.2). */
  #begin(bytes: Buffer): Buffer {
    const request = withoutLineEnds(bytes);
    if (request.length === 0) return EMPTY;
    this.#phase = "head";
    this.#since = this.#to.now();
    this.#deadline = this.#since + this.#to.patience.headMs;
    this.#bytes = 0;
    return request;
  }

  /** What has come of a request takes room until it is whole, as most are at once, and what it has to wait for. */
  #takeRoom(): void {
    const request = this.#incoming ? this.#incoming.headBytes + this.#incoming.content.held : this.#bytes;
    const rest = this.#rest.length > 0 ? this.#rest.buffer.byteLength : 0; // whose part that was read is kept, too
    const held = request + rest + this.#socket.writableLength;
    const room = held > SMALL_BYTES ? this.#to.large : this.#to.small;
    if (this.#room !== room) this.#leaveRoom();
    this.#room = room;
    room.hold(this, held);
  }

  #leaveRoom(): void {
    this.#room?.leave(this);
    this.#room = undefined;
  }

  #onProblem(problem: ParserProblem, bytes: Buffer): void {
    // Its handler answers, and then the connection ends.
    if (this.#phase === "body") return this.#incoming!.content.fail("cut");
    const isMethod = problem === "method_unknown" && /^[\w!#$%&'*+.^`|~-]+( |$)/.test(bytes.toString("latin1", 0, 64));
    if (isMethod) this.#answer(methodRefused());
    else if (problem === "head_too_large") this.#refuse(431, "The head of the request is too large");
    else this.#refuse(400, "The request cannot be read");
  }

  #handle(incoming: IncomingRequest): void {
    const refusal = incoming.refusal();
    if (refusal) return this.#answer(refusal);
    this.#to.handler(incoming).then(this.#answer, (error) => {
      log.error("cannot answer a request: {problem}", { problem: messageOf(error) });
      this.#refuse(503, "The request cannot be answered now");
    });
  }

  #refuse(status: number, text: string): void {
    this.#answer(textAnswer(status, text));
  }

  readonly #answer = (response: Response): void => {
    if (response instanceof TextAnswer) this.#write(response, response.content);
    else this.#answerAny(response).catch(() => this.destroy()); // so that the client learns that this is not all
  };

  async #answerAny(response: Response): Promise<void> {
    const isStream = response.body !== null && response.headers.get("Content-Type")?.startsWith("text/event-stream");
    if (!isStream) return this.#write(response, Buffer.from(await response.arrayBuffer()));
    if (this.#isClosed()) return await response.body?.cancel();
    this.#isStreaming = true;
    await this.#writer.stream(response, this.#incoming!.signal, () => this.#drain());
    this.#end();
  }

  /** Writes an answer and goes on with what follows. */
  #write(response: Response, content: Buffer | string): void {
    if (this.#isClosed()) return;
    const incoming = this.#incoming;
    const isLast = !incoming?.isKeptAlive || !incoming.content.isWhole ||
      (withoutLineEnds(this.#rest).length === 0 && (this.#hasEnded || this.#to.isRetiring()));
    const isHead = incoming?.method === "HEAD";
    const isTaken = this.#writer.write(response, content, isLast ? "close" : "keep-alive", isHead);
    if (isLast) this.#end();
    else if (isTaken) this.#next();
    else this.#drain().then(() => this.#next());
  }

  /** Waits until the client has taken what was written. */
  async #drain(): Promise<void> {
    this.#drainingSince = this.#to.now();
    this.#deadline = this.#drainingSince + this.#to.patience.idleMs;
    this.#takeRoom();
    await this.#writer.drain();
    this.#drainingSince = undefined;
    this.#deadline = Infinity;
    this.#leaveRoom();
  }

  /** Goes on with the next request. */
  #next(): void {
    if (this.#isClosed()) return;
    this.#incoming = undefined;
    this.#phase = "idle";
    this.#since = this.#to.now();
    this.#deadline = this.#since + this.#to.patience.idleMs;
    if (this.#rest.length > 0) setImmediate(() => this.#readRest()); // others come first
    else this.#listen();
  }

  /** Reads what came behind the request that is answered now. */
  #readRest(): void {
    if (this.#isClosed()) return;
    const rest = this.#rest;
    this.#rest = EMPTY;
    this.#read(rest);
    if (this.#phase !== "busy" && this.#rest.length === 0) this.#listen();
  }

  /** Goes on hearing the client, which may have sent all by now. */
  #listen(): void {
    if (this.#isClosed()) return;
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#hasEnded) this.#onEnd();
  }

  /**
   * Ends after the last answer, and throws away what the client still sends until it ends, too: a connection that is cut
   * while something comes takes along an answer that is not read yet.
   */
  #end(): void {
    if (this.#isClosed()) return;
    this.#phase = "ending";
    this.#leaveRoom();
    this.#letGo();
    this.#deadline = this.#to.now() + FAREWELL_MS;
    this.#socket.end();
    if (this.#isEvicted) this.#socket.destroySoon();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Lets go of the memory that reading takes. */
  #letGo(): void {
    this.#parser.free();
    this.#incoming = undefined;
    this.#rest = EMPTY;
  }

  #isClosed(): boolean {
    return this.#phase === "closed";
  }
}

/** What stands before a request and belongs to none is left out. */
function withoutLineEnds(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes[start] === 13 || bytes[start] === 10) start++;
  return start === 0 ? bytes : bytes.subarray(start);
}

/** The less of a request comes in a time, the slower it is; who has just begun is not slow yet. */
function slowness(bytes: number, elapsedMs: number): number {
  return elapsedMs < NEW_MS ? 1e12 - elapsedMs : bytes / elapsedMs;
}
