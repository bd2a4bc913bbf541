/** A mail server that is right but for what a test changes, and that tells what it was sent. */

import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** What it does in place of its answer, with the connection, which is a TLS one after STARTTLS. */
export type SmtpAct = (socket: Socket, line: string) => void;

/** By the command: `CONNECT` when a client comes, `.` when its mail is whole. A text is the answer's lines. */
export type SmtpAnswers = Partial<
  Record<"CONNECT" | "EHLO" | "STARTTLS" | "MAIL" | "RCPT" | "DATA" | "." | "RSET" | "QUIT", string | SmtpAct>
>;

export interface SmtpServer {
  port: number;
  /** All lines that came, those of mails among them, of all connections. */
  lines: string[];
  connections: Socket[];
  close(): void;
}

const usual: SmtpAnswers = {
  CONNECT: "220 mail.clinica.example ESMTP",
  EHLO: "250-mail.clinica.example\r\n250 8BITMIME",
  STARTTLS: "502 5.5.1 no TLS here",
  DATA: "354 go on",
  QUIT: (socket) => socket.end("221 bye\r\n"),
};

/** Starts it on loopback. `tls` is its certificate and key, for STARTTLS, in PEM. */
export async function startSmtp(
  answers: SmtpAnswers = {},
  tls?: { cert: string; key: string },
  host = "127.0.0.1",
): Promise<SmtpServer> {
  const lines: string[] = [];
  const connections: Socket[] = [];
  const answersOf = { ...usual, ...answers };

  function speak(socket: Socket): void {
    let text = "";
    let isMail = false;
    const answer = (verb: string, line: string) => {
      const what = answersOf[verb as keyof SmtpAnswers] ?? "250 OK";
      if (typeof what === "string") socket.write(`${what}\r\n`);
      else what(socket, line);
    };
    socket.on("error", () => {}); // a client that cuts the connection
    socket.on("data", (chunk) => {
      text += chunk;
      for (let at; (at = text.indexOf("\r\n")) >= 0;) {
        const line = text.slice(0, at);
        text = text.slice(at + 2);
        lines.push(line);
        const verb = line.split(" ", 1)[0]!.toUpperCase();
        if (isMail && line !== ".") continue;
        isMail = verb === "DATA" && typeof answersOf.DATA === "string" && answersOf.DATA.startsWith("354");
        answer(verb, line);
        if (verb === "STARTTLS" && tls) {
          socket.removeAllListeners("data");
          return speak(new TLSSocket(socket, { isServer: true, ...tls }));
        }
      }
    });
    if (connections.includes(socket)) answer("CONNECT", "");
  }

  const server = createServer((socket) => {
    connections.push(socket);
    speak(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    connections,
    close() {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

/** Sends the same for as long as the connection takes it, as fast as it does. */
export function flood(text: string): SmtpAct {
  const chunk = text.repeat(Math.ceil(65_536 / text.length));
  return (socket) => {
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", more);
    more();
  };
}
