/** A load balancer as one stands before several relays: round robin over those that are ready. */

import type { Buffer } from "node:buffer";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { bodyOf } from "./body.ts";

/** A relay, as the balancer knows it. */
export interface Backend {
  name: string;
  /** Of its public listener. */
  port: number;
  /** Of its admin listener, whose `/readyz` says whether it is ready. */
  adminPort: number;
}

export interface Balancer {
  url: string;
  /** The names of those that get requests now. */
  ready(): string[];
  close(): Promise<void>;
}

/** Time between two looks at a relay, in milliseconds. */
const CHECK_EVERY_MS = 200;

/** How long a relay may take to say that it is ready, in milliseconds. */
const CHECK_TIMEOUT_MS = 1_000;

/** How long a relay may take to answer a request, in milliseconds. */
const ANSWER_TIMEOUT_MS = 8_000;

interface Answer {
  status: number;
  body: Buffer;
}

/** Why a relay gave no answer, and whether it may have got the request by then. */
class NoAnswer extends Error {
  readonly wasSent: boolean;

  constructor(wasSent: boolean) {
    super("No answer");
    this.wasSent = wasSent;
  }
}

/**
 * Starts a balancer on loopback. A request that a relay cannot be connected for goes to the next one. One that a relay may
 * have got and did not answer goes to no other: the sender hears 502, and 503 where nobody is ready.
 */
export async function startBalancer(backends: readonly Backend[]): Promise<Balancer> {
  const agents = new Map(backends.map(({ name }) => [name, new Agent({ keepAlive: true })]));
  const ready = new Set<string>();
  let turn = 0;
  let isClosing = false;

  async function watch({ name, adminPort }: Backend): Promise<void> {
    while (!isClosing) {
      const isReady = await fetch(`http://127.0.0.1:${adminPort}/readyz`, {
        signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
      }).then(async (response) => {
        await response.text();
        return response.ok;
      }, () => false);
      if (isReady) ready.add(name);
      else ready.delete(name);
      await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
    }
  }

  /** Those that are ready, in the order in which they are tried. */
  function inTurn(): Backend[] {
    const first = turn++ % backends.length;
    return [...backends.slice(first), ...backends.slice(0, first)].filter(({ name }) => ready.has(name));
  }

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    for (const backend of inTurn()) {
      try {
        const answer = await ask(backend, incoming, body, agents.get(backend.name)!);
        return void response.writeHead(answer.status, { "Content-Length": answer.body.length }).end(answer.body);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        if (error.wasSent) return void response.writeHead(502).end("The relay did not answer");
        ready.delete(backend.name);
      }
    }
    response.writeHead(503).end("No relay is ready");
  }

  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const watches = backends.map(watch);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ready: () => backends.map(({ name }) => name).filter((name) => ready.has(name)),
    async close() {
      isClosing = true;
      await Promise.all(watches);
      for (const agent of agents.values()) agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @throws {NoAnswer} */
function ask({ port }: Backend, incoming: IncomingMessage, body: Buffer, agent: Agent): Promise<Answer> {
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers, agent, timeout: ANSWER_TIMEOUT_MS });
    outgoing.on("socket", (socket) => {
      // A connection that was kept may have ended meanwhile; whether it had cannot be told from here.
      if (!socket.connecting) isConnected = true;
      else socket.once("connect", () => isConnected = true);
    });
    outgoing.on("timeout", () => outgoing.destroy(new NoAnswer(true)));
    outgoing.on("error", () => reject(new NoAnswer(isConnected)));
    outgoing.on("response", (response) => {
      bodyOf(response).then(
        (body) => resolve({ status: response.statusCode!, body }),
        () => reject(new NoAnswer(true)),
      );
    });
    outgoing.end(body);
  });
}
