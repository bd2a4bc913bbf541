/** A session with a mail server: connected, over TLS where it must be, signed in, and kept for several mails. */

import { Readable } from "node:stream";
import type { Socket } from "node:net";
import type SMTPConnection from "nodemailer/lib/smtp-connection/index.js";
import { SmtpSocket } from "./smtp_socket.ts";

/** A mail server, and how to speak with it. */
export interface SmtpServer {
  host: string;
  port: number;
  login?: { user: string; pass: string };
  /** What else Nodemailer is told. */
  options: SMTPConnection.Options;
}

/** A mail in bytes, and whom it goes between. */
export interface SmtpMessage {
  from: string;
  to: string[];
  bytes: Uint8Array;
}

/** All that fails in it is an error of Nodemailer's or of the system's. */
export interface SmtpSession {
  /** Whether the server takes addresses that are not ASCII. @see RFC 6531 */
  readonly takesUtf8: boolean;
  /** Whether it has ended. */
  readonly isClosed: boolean;
  /** Whether a mail has begun to go out since the last call of `send`. */
  readonly hasBegun: boolean;
  /** Sends one mail. The signal ends it early, with the session. */
  send(message: SmtpMessage, signal: AbortSignal): Promise<SMTPConnection.SentMessageInfo>;
  /** Says goodbye, and ends it. */
  quit(): void;
}

/** How long a server may take to answer a goodbye, in milliseconds. */
const QUIT_MS = 1_000;

type Done<T> = (error: Error | null | undefined, value: T) => void;

/** Opens a session. The signal ends it early. */
export async function openSession(server: SmtpServer, signal: AbortSignal): Promise<SmtpSession> {
  // Loaded for the first mail: it takes 7 MB of memory, for which a relay that sends none has no use.
  const { default: Connection } = await import("nodemailer/lib/smtp-connection/index.js");
  const { host, port, login, options } = server;
  const socket = new SmtpSocket(host, port);
  const connection = new Connection({
    ...options,
    host: host.replace(/\.$/, ""), // no certificate has the dot that a whole name may end with
    port,
    connection: socket as unknown as Socket,
  });
  let failure: Error | undefined;
  let hasBegun = false;
  let endStep = (_: Error) => {};

  function end(error: Error): void {
    failure ??= error;
    socket.destroy();
    endStep(failure);
  }
  socket.on("error", end); // before Nodemailer hears of it, which would hide the cause
  connection.on("error", end);
  connection.on("end", () => end(Object.assign(new Error("The session has ended"), { code: "ECONNECTION" })));

  /** Waits for one step, and for nothing once the session or the signal ends. */
  async function during<T>(signal: AbortSignal, start: (done: Done<T>) => void): Promise<T> {
    const stop = () => end(new Error("The attempt is over"));
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      return await new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        endStep = reject;
        start((error, value) => error ? reject(error) : resolve(value));
      });
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  function quit(): void {
    if (failure) return;
    connection.quit();
    setTimeout(() => socket.destroy(), QUIT_MS).unref();
  }

  await during(signal, (done: Done<void>) => connection.connect((error) => done(error)));
  const takesUtf8 = /^250[ -]SMTPUTF8\b/im.test(String(connection.lastServerResponse));
  if (login && connection.allowsAuth) {
    try {
      await during(signal, (done: Done<void>) => connection.login({ credentials: login }, (error) => done(error)));
    } catch (error) {
      quit();
      throw error;
    }
  }

  return {
    takesUtf8,
    get isClosed() {
      return failure !== undefined;
    },
    get hasBegun() {
      return hasBegun;
    },
    async send({ from, to, bytes }, signal) {
      hasBegun = false;
      socket.restart();
      const content = Readable.from(
        (function* () {
          hasBegun = true;
          yield bytes;
        })(),
        { objectMode: false },
      );
      return await during(signal, (done: Done<SMTPConnection.SentMessageInfo>) => {
        connection.send({ from, to }, content, done);
      });
    },
    quit,
  };
}
