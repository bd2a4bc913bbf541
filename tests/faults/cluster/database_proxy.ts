/**
 * A network between a relay and its database that a test breaks: it cuts, refuses, freezes, delays, or loses the answer of a
 * commit. It ends each connection itself, so both machines' kernels still hear each other: what they do about a peer that
 * acknowledges nothing (`tcp_user_timeout`, keepalive) does not show here.
 */

import type { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Conversation } from "./wire.ts";

/** Which bytes are held: those to the database, those from it, or both. */
export type Way = "to" | "from" | "both";

/** What becomes of a connection whose answer was lost. */
export type Loss = "cut" | "freeze";

export interface DatabaseProxy {
  port: number;
  /** The ports from which it reaches the database now, one for each connection. */
  ports(): number[];
  /** Resets every connection. */
  cut(): void;
  /** Resets new connections at once, until it is told otherwise. */
  refuse(isRefusing: boolean): void;
  /** Holds what comes, and that a connection ended: connections stay open, new ones are taken and hear nothing. */
  freeze(way: Way): void;
  /** Lets go all that was held, in order. */
  thaw(): void;
  /** Delays everything, each way. */
  delay(ms: number): void;
  /**
   * Loses the answer of the n-th commit from now, once the database has made it. Resolves when that has happened.
   * @param n From 1.
   */
  swallow(n: number, loss: Loss): Promise<void>;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Where the database listens. */
  port: number;
  host?: string;
  /** Which SQL commits something when it has run. */
  commits: RegExp;
}

/** The fault that all connections share. */
interface Network {
  held: Way | undefined;
  delayMs: number;
  isRefusing: boolean;
  swallow?: { left: number; loss: Loss; done(): void };
}

/** Starts a proxy on loopback. */
export async function startDatabaseProxy({ port, host = "127.0.0.1", commits }: ProxyOptions): Promise<DatabaseProxy> {
  const network: Network = { held: undefined, delayMs: 0, isRefusing: false };
  const links = new Set<Link>();
  const server = createServer({ noDelay: true }, (client) => {
    if (network.isRefusing) return void client.resetAndDestroy();
    const link = new Link(client, connect({ port, host, noDelay: true }), network, commits, () => links.delete(link));
    links.add(link);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ports: () => [...links].map(({ port }) => port),
    cut: () => links.forEach((link) => link.cut()),
    refuse: (isRefusing) => void (network.isRefusing = isRefusing),
    freeze: (way) => void (network.held = way),
    thaw() {
      network.held = undefined;
      for (const link of links) link.pump();
    },
    delay: (ms) => void (network.delayMs = ms),
    swallow: (n, loss) => new Promise((resolve) => network.swallow = { left: n, loss, done: resolve }),
    close() {
      for (const link of links) link.cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** One connection. */
class Link {
  readonly #conversation = new Conversation();
  readonly #network: Network;
  readonly #ends: [Socket, Socket];
  readonly #to: Stream;
  readonly #from: Stream;
  readonly #commits: RegExp;
  /** The request whose answer is lost, and what happens then. */
  #lost?: { request: number; loss: Loss; done(): void };

  constructor(client: Socket, database: Socket, network: Network, commits: RegExp, closed: () => void) {
    this.#network = network;
    this.#commits = commits;
    this.#ends = [client, database];
    this.#to = new Stream(database, network, "to");
    this.#from = new Stream(client, network, "from");
    client.on("data", (chunk: Buffer) => this.#ask(chunk));
    database.on("data", (chunk: Buffer) => this.#answer(chunk));
    client.on("close", () => this.#to.push(undefined));
    database.on("close", () => this.#from.push(undefined));
    for (const end of this.#ends) {
      end.on("error", () => {});
      end.on("close", () => this.#ends.every(({ destroyed }) => destroyed) && closed());
    }
  }

  /** From which it reaches the database. */
  get port(): number {
    return this.#ends[1].localPort ?? 0;
  }

  cut(): void {
    for (const end of this.#ends) end.resetAndDestroy();
  }

  pump(): void {
    this.#to.pump();
    this.#from.pump();
  }

  #ask(chunk: Buffer): void {
    const { bytes, requests } = this.#conversation.sent(chunk);
    for (const { number, sql } of requests) {
      const { swallow } = this.#network;
      if (!swallow || !sql.some((text) => this.#commits.test(text)) || --swallow.left > 0) continue;
      this.#lost = { ...swallow, request: number };
      delete this.#network.swallow;
    }
    this.#to.push(bytes);
  }

  #answer(chunk: Buffer): void {
    for (const { bytes, request, isLast } of this.#conversation.answered(chunk)) {
      if (!this.#lost || request < this.#lost.request) {
        this.#from.push(bytes);
      } else if (isLast && request === this.#lost.request) {
        if (this.#lost.loss === "cut") this.cut();
        this.#lost.done();
      }
    }
  }
}

/** What goes one way on a connection, in order; its end goes with it. */
class Stream {
  readonly #queue: { at: number; bytes: Buffer | undefined }[] = [];
  readonly #end: Socket;
  readonly #network: Network;
  readonly #way: Way;

  constructor(end: Socket, network: Network, way: Way) {
    this.#end = end;
    this.#network = network;
    this.#way = way;
  }

  /** @param bytes `undefined` for the end. */
  push(bytes: Buffer | undefined): void {
    const { delayMs } = this.#network;
    this.#queue.push({ at: performance.now() + delayMs, bytes });
    this.pump();
  }

  pump(): void {
    const { held } = this.#network;
    if (held === this.#way || held === "both") return;
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const waitMs = next.at - performance.now();
      if (waitMs > 0) return void setTimeout(() => this.pump(), waitMs);
      this.#queue.shift();
      if (!next.bytes) this.#end.destroy();
      else if (!this.#end.destroyed) this.#end.write(next.bytes);
    }
  }
}
