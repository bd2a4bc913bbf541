/** Listens for HTTPS: TLS ends here, and what comes in goes on to a listener for HTTP that answers nobody else. */

import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createServer, type TLSSocket } from "node:tls";
import { log } from "../log.ts";
import { type Handler, listen, type Listener } from "../runtime.ts";
import type { KeyPair } from "./certificate.ts";

/** A listening socket for HTTPS. */
export interface TlsListener extends Listener {
  /** New connections get this certificate; those that are open live on. */
  useCertificate(pair: KeyPair): void;
}

/** Where the listener for HTTP is. */
const INNER_HOST = "127.0.0.1";

/** How long a client may take to agree on TLS, as long as it may take for its headers, in milliseconds. */
const HANDSHAKE_MS = 10_000;

/** When the listener stops, clients that have just connected have so long for TLS and a first request, in milliseconds. */
const FIRST_REQUEST_MS = 1_000;

/** How often it is looked whether they have sent one, in milliseconds. */
const LOOK_MS = 50;

/** A connection on which nothing moves ends, later than the listener for HTTP would end it, in milliseconds. */
const IDLE_MS = 60_000;

/**
 * Listens for HTTP over TLS 1.2 and up. Whoever speaks anything else is cut off.
 *
 * The HTTP servers of the runtimes keep their certificate until they close, and closing one cuts off those who are about
 * to connect. Only `node:tls` can be given another, so it stands in front.
 * @param handshakeMs How long a client may take to agree on TLS.
 * @throws {Error} with the system's `code`, such as `EADDRINUSE`.
 */
export async function listenTls(
  host: string,
  port: number,
  pair: KeyPair,
  handler: Handler,
  handshakeMs = HANDSHAKE_MS,
): Promise<TlsListener> {
  /** Addresses of clients, by the port from which their bytes go on. */
  const clients = new Map<number, string>();
  const inner = listen(INNER_HOST, 0, async (request, _, from) => {
    const client = clients.get(from);
    return client === undefined ? new Response(null, { status: 403 }) : await handler(request, client, from);
  });
  const secure = (one: KeyPair) => ({ ...one, minVersion: "TLSv1.2" as const });
  const options = { ...secure(pair), handshakeTimeout: handshakeMs, noDelay: true, allowHalfOpen: true };
  /** Clients that have not begun a request yet, by their addresses: no object stands for a client on both runtimes. */
  const silent = new Set<string>();
  const server = createServer(
    options,
    (client) => passOn(client, inner.port, clients, () => silent.delete(nameOf(client))),
  );
  server.on("connection", (client) => {
    const name = nameOf(client);
    silent.add(name);
    client.once("close", () => silent.delete(name));
  });
  server.on("tlsClientError", (error, client) => {
    logRefused(error, client.remoteAddress);
    client.destroy(); // the runtimes say that a handshake takes too long, but leave the connection open
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, resolve);
    });
  } catch (error) {
    await inner.stop(0);
    throw error;
  }
  return {
    port: (server.address() as { port: number }).port,
    closeAfterAnswers: () => inner.closeAfterAnswers(),
    useCertificate: (next) => server.setSecureContext(secure(next)),
    async stop(graceMs) {
      server.close();
      const start = performance.now();
      const end = start + Math.min(graceMs, FIRST_REQUEST_MS);
      while (silent.size > 0 && performance.now() < end) await delay(LOOK_MS);
      await inner.stop(Math.max(start + graceMs - performance.now(), 0));
    },
  };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Joins a client to the listener for HTTP until one of them closes. */
function passOn(client: TLSSocket, port: number, clients: Map<number, string>, begun: () => void): void {
  const address = client.remoteAddress ?? "";
  const inner: Socket = connect({ host: INNER_HOST, port, noDelay: true });
  let from = 0;
  inner.once("connect", () => {
    from = inner.localPort!;
    clients.set(from, address);
    client.pipe(inner);
    client.once("data", begun);
    inner.pipe(client);
  });
  inner.on("error", () => client.destroy());
  inner.on("close", () => {
    clients.delete(from);
    client.destroySoon();
  });
  client.setTimeout(IDLE_MS, () => client.destroy());
  client.on("error", () => {});
  // What it sent before it went counts, as it does without TLS: it is read to its end, and the answer is read away.
  client.on("close", () => {
    inner.end();
    inner.resume();
  });
}

/** Why no connection came about, by the codes of TLS libraries. */
const reasons: [code: RegExp, words: string][] = [
  [/HTTP_REQUEST|WRONG_VERSION/, "it speaks plain HTTP, not HTTPS"],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/, "it does not speak TLS 1.2 or later"],
  [/ALERT|BAD_PACKET_LENGTH/, "it broke off; it may not trust the certificate"],
];

function logRefused(error: NodeJS.ErrnoException, client = "a client"): void {
  const code = error.code ?? error.message;
  if (/^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_TLS_HANDSHAKE_TIMEOUT)$/.test(code)) return; // a scan, or a check of the port
  const problem = reasons.find(([pattern]) => pattern.test(code))?.[1] ?? "no TLS could be agreed on";
  log.warn("refused a connection from {client}: {problem} ({code})", { client, problem, code });
}
