/** A real SMTP server that records what it is sent. */

import { Buffer } from "node:buffer";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { until } from "./wait.ts";

/** A message as it arrived. */
export interface Mail {
  from: string;
  to: string[];
  /** Headers and body, as sent. */
  raw: string;
  secure: boolean;
}

export interface MailServer {
  port: number;
  mails: Mail[];
  /** Resolves with the mails when there are at least so many. */
  received(count: number, timeoutMs?: number): Promise<Mail[]>;
  close(): Promise<void>;
}

/** Starts a mail server on loopback. Without options it offers STARTTLS and asks for no password. */
export async function startMail(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map((one) => one.address),
          raw: Buffer.concat(chunks).toString(),
          secure: session.secure,
        });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => {}); // a client that cuts the connection
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    received: (count, timeoutMs) => until(`${count} mails`, () => mails.length >= count && mails, timeoutMs),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
