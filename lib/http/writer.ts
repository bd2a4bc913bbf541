/** Writes answers to a connection, no faster than its client takes them. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { writeSoon } from "./burst.ts";
import { chunkOf, headOf, LAST_CHUNK, TextAnswer } from "./answer.ts";

export class Writer {
  readonly #socket: Socket;
  #isClosed = false;
  #drained = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("drain", () => this.#drained());
  }

  /**
   * Writes an answer whole. Gives false where its client has to take some of it before more is written: see `drain`. A short
   * one is written a little later, and taken for taken.
   */
  write(response: Response, content: Buffer | string, connection: "close" | "keep-alive", isHead: boolean): boolean {
    const length = response instanceof TextAnswer ? response.length : content.length;
    // An answer to HEAD may come without the body whose length it would say (RFC 9110, 8.6).
    const head = headOf(response, isHead && length === 0 ? "unknown" : length, connection);
    if (isHead || length === 0) return this.#socket.write(head, "latin1");
    if (typeof content === "string") {
      // Nothing may overtake it: neither the end of the connection, nor what its client has yet to take.
      if (connection === "close" || this.#socket.writableLength > 0) return this.#socket.write(head + content);
      writeSoon(this.#socket, head + content);
      return true;
    }
    return this.#socket.write(Buffer.concat([Buffer.from(head, "latin1"), content]));
  }

  /**
   * Writes an answer whose body comes bit by bit, until it ends or its client goes.
   * @throws {Error} of what makes the body.
   */
  async stream(response: Response, signal: AbortSignal, drain: () => Promise<void>): Promise<void> {
    const reader = response.body!.getReader();
    signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
    this.#socket.write(headOf(response, "chunked", "close"), "latin1");
    try {
      while (!this.#isClosed) {
        const { done, value } = await reader.read();
        const isTaken = this.#socket.write(done ? LAST_CHUNK : chunkOf(value));
        if (done) return;
        if (!isTaken) await drain();
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  /** Resolves when its client has taken what was written, or has gone. */
  async drain(): Promise<void> {
    if (!this.#isClosed) await new Promise<void>((resolve) => this.#drained = resolve);
  }

  /** The connection is closed: nothing waits for its client any more. */
  close(): void {
    this.#isClosed = true;
    this.#drained();
  }
}
