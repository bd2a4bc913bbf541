/** Four local targets that are real: an HTTP server, an endpoint that answers as Slack does, a mail server, a script. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { listen, type Listener } from "../http/server.ts";
import { textAnswer } from "../http/answer.ts";
import type { Handler, Incoming } from "../http/incoming.ts";
import type { Phrase } from "../locale/phrase.ts";

/** Most bytes of what a target takes. */
const MAX_BODY_BYTES = 1024 ** 2;

/** Something that reached a target. */
export interface Arrival {
  target: string;
  /** Name of the event. */
  type: string;
  /** What it looks like there. */
  excerpt: Phrase;
}

/** The targets at work, and what has reached them so far. */
export interface DemoTargets {
  httpUrl: string;
  slackUrl: string;
  mailUrl: string;
  /** In the order in which they were seen. */
  arrivals(): Arrival[];
  close(): Promise<void>;
}

/** The script: keeps each event in a file of its own. */
export const archiveScript = `#!/bin/sh
# Keeps the event that comes on standard input.
mkdir -p archive && cat > .arriving && mv .arriving "archive/$RELAY_EVENT_TYPE.json"
`;

/**
 * Starts the targets on loopback, each on a port that is free.
 * @param folder Where the script runs.
 */
export async function startTargets(folder: string): Promise<DemoTargets> {
  const arrivals: Arrival[] = [];
  const seen = new Set<string>();

  const http = await listenHere((request, body) => {
    const type = request.header("Relay-Event-Type") ?? "";
    const signature = request.header("X-ConnectVets-Signature");
    const excerpt: Phrase = ({ demo }) =>
      demo.http(request.method, body.length, signature ? `${signature.slice(0, 15)}…` : demo.noSignature);
    arrivals.push({ target: "sistema", type, excerpt });
    return "thank you";
  });

  const slack = await listenHere((_, body) => {
    const { text } = JSON.parse(body.toString()) as { text: string };
    arrivals.push({ target: "plantao", type: /[\w.]+$/.exec(text)?.[0] ?? "", excerpt: () => text });
    return "ok";
  });

  const mail = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"], // nothing leaves this machine
    async onData(stream, session, done) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(Buffer.from(chunk));
      const headers = Buffer.concat(chunks).toString().split("\r\n\r\n")[0]!;
      const type = /^Relay-Event-Type: (.*)$/m.exec(headers)?.[1] ?? "";
      const to = session.envelope.rcptTo.map(({ address }) => address).join(", ");
      const subject = decodeSubject(/^Subject: (.*(?:\r\n .*)*)$/m.exec(headers)?.[1] ?? "");
      arrivals.push({ target: "equipe", type, excerpt: ({ demo }) => demo.email(to, subject) });
      done();
    },
  });
  mail.listen(0, "127.0.0.1");
  await once(mail.server, "listening");

  return {
    httpUrl: `http://127.0.0.1:${http.port}/webhook`,
    slackUrl: `http://127.0.0.1:${slack.port}/services/demo`,
    mailUrl: `smtp://127.0.0.1:${(mail.server.address() as AddressInfo).port}`,
    arrivals() {
      arrivals.push(...archived(join(folder, "archive"), seen));
      return [...arrivals];
    },
    async close() {
      await Promise.all([http.stop(1_000), slack.stop(1_000), new Promise<void>((resolve) => mail.close(resolve))]);
    },
  };
}

/** An HTTP server on loopback that answers with a text. */
function listenHere(answer: (request: Incoming, body: Buffer) => string): Promise<Listener> {
  const handler: Handler = async (incoming) => {
    const body = await incoming.body(MAX_BODY_BYTES);
    return typeof body === "string" ? textAnswer(400, body) : textAnswer(200, answer(incoming, Buffer.from(body)));
  };
  return listen({ host: "127.0.0.1", port: 0, handler });
}

/** What the script has written since the last look. @param seen What was seen; what is new is added. */
function archived(folder: string, seen: Set<string>): Arrival[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const text = `archive/${name}: ${readFileSync(join(folder, name), "utf8")}`;
    if (seen.has(text)) return [];
    seen.add(text);
    return [{ target: "arquivo", type: name.replace(/\.json$/, ""), excerpt: () => text }];
  });
}

/** A subject in words (RFC 2047), in the two encodings that there are. */
function decodeSubject(subject: string): string {
  return subject.replaceAll(/\?=\s+=\?/g, "?==?").replaceAll(
    /=\?utf-8\?([bq])\?(.*?)\?=/gi,
    (_, encoding, text) =>
      encoding.toLowerCase() === "b" ? Buffer.from(text, "base64").toString() : Buffer.from(
        text.replaceAll("_", " ").replaceAll(
          /=([0-9A-F]{2})/gi,
          (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
        ),
        "latin1",
      ).toString(),
  );
}
