/** Listens for HTTP and HTTPS, within bounds that no client can spend for the others. */

import { createServer, type Server, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { setBacklog } from "../handover/descriptor.ts";
import { log } from "../log.ts";
import { releaseMemory } from "../runtime.ts";
import { descriptorLimit, descriptorOf, isDescriptorLeft } from "./descriptors.ts";
import { Connection, type Patience, type Surroundings } from "./connection.ts";
import type { Handler } from "./incoming.ts";
import { asIPv4, networkOf } from "./network.ts";
import { Room } from "./room.ts";
import { logTlsProblem } from "./tls_problem.ts";

/** Certificate and private key, as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** Where to listen, and what for. */
export interface ListenOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Descriptor of a socket that listens already, in place of `host` and `port`. */
  fd?: number;
  /** Speaks HTTPS with it, TLS 1.2 and up; without it, HTTP. */
  tls?: KeyPair;
  handler: Handler;
  patience?: Partial<Patience>;
  bounds?: Partial<Bounds>;
}

/** What all clients together may take up. One network of clients may have half of the memory, and ¾ of the connections. */
export interface Bounds {
  /** Connections at once. */
  connections: number;
  /** Bytes of small requests that have come in part. */
  smallBytes: number;
  /** Bytes of large ones. */
  largeBytes: number;
}

/** A listening socket. */
export interface Listener {
  /** The address that it has, which the system chose where port 0 was asked for. */
  readonly host: string;
  readonly port: number;
  /** Its descriptor, where the runtime shows it. */
  readonly fd: number | undefined;
  /**
   * From now on ends each connection with its next answer, and resolves when the busy ones have had the time for it. Goes
   * on accepting: clients of a socket that outlives this process should not notice.
   */
  retire(): Promise<void>;
  /** New connections get this certificate; those that are open live on. */
  useCertificate(pair: KeyPair): void;
  /** Accepts no more and resolves when the requests that were accepted are answered, or after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const PATIENCE: Patience = { headMs: 10_000, bodyMs: 30_000, idleMs: 45_000 };

const BOUNDS: Bounds = { connections: 2_048, smallBytes: 8 * 1024 ** 2, largeBytes: 16 * 1024 ** 2 };

/** Unused memory is returned after this many new connections, and this many bytes of partial requests. */
const TURNOVER_CONNECTIONS = 1_024;
const TURNOVER_BYTES = 8 * 1024 ** 2;

/** Descriptors that connections leave to files, programs and targets, where the limit allows. */
const SPARE_DESCRIPTORS = 256;

/** How often it is told that connections cannot be accepted, in milliseconds, at most. */
const TELL_MS = 60_000;

/** Connections that the system holds until they are accepted: beyond, a client tries again a second later. */
const BACKLOG = 4_096;

/** How often it is looked who takes too long, in milliseconds, at most. */
const LOOK_MS = 1_000;

/** How long the clients in the middle of a conversation have for a last request on their connection, in milliseconds. */
const FAREWELL_MS = 1_000;

/**
 * When the listener stops, a client has this long for a request that may be on its way: one that spoke before, and one that
 * has just connected, perhaps to agree on TLS first. In milliseconds.
 */
const LAST_REQUEST_MS = 200;
const FIRST_REQUEST_MS = 1_000;

/**
 * Listens for requests.
 * @throws {Error} with the system's `code`, such as `EADDRINUSE`.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const patience = { ...PATIENCE, ...options.patience };
  const bounds = { ...BOUNDS, ...options.bounds };
  const now = () => performance.now();
  const connections = new Set<Connection>();
  const roomOf = (size: number, share: number, turnover: number) =>
    new Room({ size, share, turnover, now, onTurnover: releaseMemory });
  const limit = descriptorLimit();
  const spare = Math.min(SPARE_DESCRIPTORS, limit / 4);
  const most = Math.min(bounds.connections, limit - spare);
  const slots = roomOf(most, most * 3 / 4, TURNOVER_CONNECTIONS);
  let isRetiring = false;
  let secureContext = options.tls && contextOf(options.tls);
  const surroundings: Surroundings = {
    handler: options.handler,
    patience,
    small: roomOf(bounds.smallBytes, bounds.smallBytes / 2, TURNOVER_BYTES),
    large: roomOf(bounds.largeBytes, bounds.largeBytes / 2, TURNOVER_BYTES),
    now,
    isRetiring: () => isRetiring,
    onClose(connection) {
      connections.delete(connection);
      slots.leave(connection);
    },
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const client = asIPv4(socket.remoteAddress ?? "");
    socket.on("error", () => {}); // its connection learns of it by its end
    const secure = secureContext && secured(socket, secureContext, client);
    const connection = new Connection(secure ?? socket, socket, client, networkOf(client), surroundings);
    if (secure) secure.once("secure", () => connection.open());
    else connection.open();
    connections.add(connection);
    slots.hold(connection, 1);
    if ((descriptorOf(socket) ?? 0) >= limit - spare / 2) slots.evictOne();
  });
  await opened(server, options);
  server.on("error", ({ message }) => tellRefused(message, now()));
  const { address, port } = server.address() as { address: string; port: number };
  const fd = descriptorOf(server);
  if (fd !== undefined) setBacklog(fd, BACKLOG);

  const timer = setInterval(() => {
    const time = now();
    for (const connection of connections) connection.checkTime(time);
    if (isDescriptorLeft()) return;
    // Otherwise the system goes on asking to accept what cannot be accepted.
    for (let count = 0; count < spare; count++) slots.evictOne();
    const hint = "raise `LimitNOFILE=` of the service, or `ulimit -n`";
    tellRefused(`out of file descriptors: all ${limit} are in use; ${hint}`, time);
  }, Math.min(LOOK_MS, ...Object.values(patience).map((ms) => ms / 4))).unref();

  return {
    host: address,
    port,
    fd,
    async retire() {
      isRetiring = true;
      await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
    },
    useCertificate: (pair) => void (secureContext = contextOf(pair)),
    async stop(graceMs) {
      isRetiring = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const endSilent = (phases: "idle" | "all") => {
        for (const connection of connections) connection.endIfSilent(phases);
      };
      const idle = setInterval(endSilent, Math.min(LAST_REQUEST_MS, graceMs), "idle"); // answers may take their time
      const all = setTimeout(endSilent, Math.min(FIRST_REQUEST_MS, graceMs), "all");
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
      for (const connection of connections) connection.destroy();
      clearInterval(idle);
      clearTimeout(all);
      clearInterval(timer);
    },
  };
}

let toldAt = -Infinity;

/** Tells of it once for all listeners, which share what they are short of. */
function tellRefused(problem: string, now: number): void {
  if (now < toldAt + TELL_MS) return;
  toldAt = now;
  log.error("cannot accept all connections: {problem}", { problem });
}

function opened(server: Server, { host, port, fd }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(fd === undefined ? { host, port, backlog: BACKLOG } : { fd }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function contextOf({ cert, key }: KeyPair): SecureContext {
  return createSecureContext({ cert, key, minVersion: "TLSv1.2" });
}

/** The client's side of a connection once TLS is agreed on. */
function secured(socket: Socket, secureContext: SecureContext, client: string): TLSSocket {
  // As of its socket, whose side of a half-closed connection would end with the other; the types do not know of it.
  const options = { isServer: true, secureContext, allowHalfOpen: true };
  const secure = new TLSSocket(socket, options);
  let isAgreed = false;
  secure.on("secure", () => isAgreed = true);
  secure.on("error", (error) => isAgreed || logTlsProblem(error, client));
  return secure;
}
