/** Senders that forgive nothing: they post events over HTTP spoken by hand, and count every request that has no answer. */

import { createHmac } from "node:crypto";
import { connect, type Socket } from "node:net";
import process from "node:process";

export interface Report {
  /** Events that were answered 200. */
  acknowledged: string[];
  /** How many requests came to nothing, by what happened to them. */
  failed: Record<string, number>;
  /** The longest that an answer took, in milliseconds. */
  longestMs: number;
}

/** How a sender uses its connections. */
interface Habit {
  /** Whether it sends more than one request on each. */
  isKept: boolean;
  /** How long it rests between two requests. */
  pauseMs: number;
  /** How long after it has connected its first request comes. */
  lateMs?: number;
}

const kinds: (Habit & { count: number })[] = [
  { count: 6, isKept: true, pauseMs: 0 },
  { count: 6, isKept: true, pauseMs: 60 },
  { count: 3, isKept: true, pauseMs: 300 }, // at most twice that: well under the second that a relay which ends still waits
  { count: 6, isKept: false, pauseMs: 20 },
  { count: 6, isKept: false, pauseMs: 5, lateMs: 60 },
];

/** Opens a connection for HTTP. */
function plain(port: number): Socket {
  return connect({ port, host: "127.0.0.1", noDelay: true });
}

/**
 * Starts to post signed events to `/webhook` on this port; the one who stops it gets the report.
 * @param open Opens a connection. Default: one for HTTP.
 */
export function startSenders(port: number, secret: string, open = plain): { stop(): Promise<Report> } {
  const report: Report = { acknowledged: [], failed: {}, longestMs: 0 };
  let isStopping = false;
  let events = 0;

  async function send({ isKept, pauseMs, lateMs = 0 }: Habit): Promise<void> {
    let connection: Connection | undefined;
    while (!isStopping) {
      // A connection that ended between two requests has lost none.
      if (connection?.ended !== undefined) connection = undefined;
      if (!connection) {
        connection = new Connection(open(port));
        if (lateMs > 0) await sleep(lateMs);
      }
      const note = `n${++events}`;
      const startedAt = performance.now();
      const { result, isLast } = await connection.post(eventText(note), secret, isKept);
      report.longestMs = Math.max(report.longestMs, performance.now() - startedAt);
      if (result === "200") report.acknowledged.push(note);
      else report.failed[result] = (report.failed[result] ?? 0) + 1;
      if (isLast) connection = connection.close();
      if (pauseMs > 0) await sleep(Math.random() * 2 * pauseMs);
    }
    connection?.close();
  }

  const ended = Promise.all(kinds.flatMap((kind) => Array.from({ length: kind.count }, () => send(kind))));
  return {
    async stop() {
      isStopping = true;
      await ended;
      return report;
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function eventText(note: string): string {
  return `{"event":"note.completed","data":{"note_id":"${note}"}}`;
}

/** One connection, for one request after another. */
class Connection {
  /** How it ended, once it has. */
  ended?: string;
  readonly #socket: Socket;
  #received = "";
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      this.#wake();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    for (const event of ["end", "close"]) this.#socket.on(event, () => this.#end("closed without an answer"));
  }

  #end(how: string): void {
    this.ended ??= how;
    this.#wake();
  }

  /** Posts a body. Gives the answer's status or what came in its place, and whether the connection serves no more. */
  async post(body: string, secret: string, isKept: boolean): Promise<{ result: string; isLast: boolean }> {
    const lines = [
      "POST /webhook HTTP/1.1",
      "Host: relay.example",
      ...(isKept ? [] : ["Connection: close"]),
      `X-ConnectVets-Signature: sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      `Content-Length: ${body.length}`,
    ];
    this.#received = "";
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
    for (;;) {
      const answer = /^HTTP\/1\.1 (\d+)(.*?)\r\n\r\n(.*)$/s.exec(this.#received);
      const [, status = "", headers = "", text = ""] = answer ?? [];
      if (answer && text.length >= Number(/content-length: (\d+)/i.exec(headers)?.[1])) {
        return { result: status, isLast: !isKept || /connection: close/i.test(headers) };
      }
      if (this.ended !== undefined) return { result: this.ended, isLast: true };
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): undefined {
    this.#socket.destroy();
  }
}

// As a program, on a machine that has no more than the executable: posts until its input ends, then prints the report.
if (import.meta.main) {
  const senders = startSenders(Number(process.argv[2]), process.argv[3]!);
  process.stdin.resume();
  process.stdin.on("end", async () => {
    process.stdout.write(JSON.stringify(await senders.stop()));
    process.exit(0);
  });
}
