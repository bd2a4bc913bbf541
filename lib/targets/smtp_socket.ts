/** The connection to a mail server, of which no more is read than a mail server has to say. */

import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { lookupHost } from "../outbound/addresses.ts";

/** Most bytes that are read for one mail, those of the TLS handshake among them. A thousand recipients need half. */
const MAX_BYTES = 256 * 1024;

/** After so many milliseconds without an answer, the next address of the name is tried. */
const NEXT_ADDRESS_MS = 2_000;

/** Whatever is spoken on it, TLS or plain, comes through here: what is beyond {@link MAX_BYTES} ends it. */
export class SmtpSocket extends Duplex {
  readonly #tcp: Socket;
  #bytes = 0;

  constructor(host: string, port: number) {
    super({ allowHalfOpen: false });
    this.#tcp = connect({
      host,
      port,
      lookup: lookupHost,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    });
    this.#tcp.setNoDelay(true);
    this.#tcp.on("data", (chunk) => this.#take(chunk));
    this.#tcp.on("end", () => this.push(null));
    this.#tcp.on("error", (error) => this.destroy(error));
    this.#tcp.on("close", () => this.#tcp.readableEnded || this.destroy());
  }

  /** Counts what is read anew, for the next mail. */
  restart(): void {
    this.#bytes = 0;
  }

  /** Does nothing: whoever opened the socket bounds its time. Nodemailer calls it. */
  setTimeout(): this {
    return this;
  }

  override _read(): void {
    this.#tcp.resume();
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#tcp.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#tcp.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#tcp.destroy();
    done(error);
  }

  #take(chunk: Uint8Array): void {
    if (this.destroyed) return;
    this.#bytes += chunk.byteLength;
    if (this.#bytes > MAX_BYTES) {
      this.destroy(Object.assign(new Error(`More than ${MAX_BYTES} bytes came`), { code: "EFLOOD" }));
    } else if (!this.push(chunk)) this.#tcp.pause();
  }
}
