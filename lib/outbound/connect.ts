/** Opens connections: to the first address that takes one, by TLS, or through a proxy. */

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { addressesOf, bare, isPrivate } from "./addresses.ts";
import { Connection } from "./connection.ts";
import { OutboundError } from "./error.ts";
import { type Proxy, proxyFor, readProxy } from "./proxy.ts";

/** A connection to a target. */
export interface Opened {
  connection: Connection;
  /** What passes requests on, one by one, where it is no tunnel. */
  proxy?: Proxy;
  /** Fingerprint of the certificate that was shown and not checked. */
  fingerprint?: string;
}

/** Pause before the next address is tried as well, in milliseconds. @see RFC 8305, section 5 */
const NEXT_ADDRESS_MS = 250;

/** Longest wait for an address where it only tells whether a proxy is asked, in milliseconds. */
const PRIVATE_WAIT_MS = 2_000;

/** Most bytes of what a proxy says to CONNECT; they are not used. */
const PROXY_WORDS_BYTES = 1024;

/**
 * Opens a connection for requests to the origin of a URL.
 * @param isHere Whether a program of this machine is asked: by no proxy, and whatever certificate it shows.
 * @throws {OutboundError} if a proxy fails; {Error} with the system's code; the signal's reason.
 */
export async function open(url: URL, isHere: boolean, signal: AbortSignal): Promise<Opened> {
  const proxy = isHere ? undefined : proxyFor(url);
  if (proxy && !(await isPrivateHost(url.hostname, signal))) return await openThrough(readProxy(proxy), url, signal);
  const socket = await openSocket(url, signal);
  if (url.protocol === "http:") return { connection: new Connection(socket) };
  const secured = await secure(socket, url.hostname, !isHere, signal);
  const fingerprint = isHere ? secured.getPeerCertificate().fingerprint256 : undefined;
  return { connection: new Connection(secured), fingerprint };
}

/** Whether a host is of this machine or its networks. One that cannot be resolved here is for the proxy to find. */
async function isPrivateHost(host: string, signal: AbortSignal): Promise<boolean> {
  const wait = AbortSignal.any([signal, AbortSignal.timeout(PRIVATE_WAIT_MS)]);
  try {
    return (await unlessAborted(addressesOf(host), wait)).some(isPrivate);
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function openThrough(proxy: Proxy, url: URL, signal: AbortSignal): Promise<Opened> {
  const socket = await openProxy(proxy, signal);
  if (url.protocol === "http:") return { connection: new Connection(socket), proxy };
  const tunnel = await openTunnel(socket, proxy, url, signal);
  return { connection: new Connection(await secure(tunnel, url.hostname, true, signal)) };
}

async function openProxy({ url, place }: Proxy, signal: AbortSignal): Promise<Socket> {
  try {
    const socket = await openSocket(url, signal);
    return url.protocol === "https:" ? await secure(socket, url.hostname, true, signal) : socket;
  } catch (error) {
    signal.throwIfAborted();
    throw new OutboundError("proxy_failed", (words) => words.proxy.unreachable(place, codeOf(error)));
  }
}

async function openTunnel(socket: Socket, proxy: Proxy, url: URL, signal: AbortSignal): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || 443}`;
  const headers = Object.entries({ Host: authority, ...proxy.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `CONNECT ${authority} HTTP/1.1\r\n${headers.join("")}\r\n`;
  const connection = new Connection(socket);
  const bounds = { maxBytes: PROXY_WORDS_BYTES, restMs: 0, signal };
  const { status } = await connection.send("CONNECT", head, undefined, bounds).catch((error) => {
    signal.throwIfAborted();
    throw new OutboundError("proxy_failed", (words) => {
      const why = error instanceof OutboundError ? error.say(words) : codeOf(error);
      return words.proxy.noTunnel(proxy.place, why);
    });
  });
  if (status >= 200 && status < 300 && connection.isOpen) return connection.detach();
  connection.close();
  throw proxyRefused(proxy, status);
}

/** What a proxy's own answer means. */
export function proxyRefused({ place, headers }: Proxy, status: number): OutboundError {
  const hasLogin = Object.keys(headers).length > 0;
  return new OutboundError("proxy_failed", ({ proxy }) => {
    if (status !== 407) return proxy.refused(place, status);
    return hasLogin ? proxy.wrongLogin(place) : proxy.noLogin(place);
  });
}

async function openSocket({ protocol, hostname, port }: URL, signal: AbortSignal): Promise<Socket> {
  const addresses = await unlessAborted(addressesOf(hostname), signal);
  return await openFirst(addresses, port === "" ? (protocol === "https:" ? 443 : 80) : Number(port), signal);
}

/** Connects to the first address that takes a connection; the next one is tried when one fails, or is slow. */
function openFirst(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const trying = new Set<Socket>();
    let [next, timer, failure] = [0, undefined as ReturnType<typeof setTimeout> | undefined, undefined as unknown];
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      for (const socket of trying) socket.destroy();
      trying.clear();
    };
    const abort = () => {
      end();
      reject(signal.reason);
    };
    const tryNext = () => {
      clearTimeout(timer);
      if (next === addresses.length) {
        if (trying.size > 0) return;
        end();
        return reject(failure);
      }
      const socket = connect({ host: addresses[next++]!, port, noDelay: true });
      trying.add(socket);
      const onError = (error: unknown) => {
        if (!trying.delete(socket)) return; // it was given up
        if (!failure || isUnreachable(failure)) failure = error;
        tryNext();
      };
      socket.on("error", onError).once("connect", () => {
        if (!trying.delete(socket)) return;
        socket.off("error", onError);
        end();
        resolve(socket);
      });
      timer = setTimeout(tryNext, NEXT_ADDRESS_MS);
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", abort);
    tryNext();
  });
}

/** Speaks TLS on a connection from now on. */
function secure(socket: Socket, hostname: string, isChecked: boolean, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const host = bare(hostname).replace(/\.$/, ""); // certificates are for names without it
    const secured = connectTls({
      socket,
      host,
      servername: isIP(host) ? "" : host,
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: isChecked,
    });
    const settle = (error?: unknown) => {
      signal.removeEventListener("abort", abort);
      secured.off("secureConnect", done).off("error", settle).off("close", closed);
      if (error === undefined) return resolve(secured);
      secured.on("error", () => {}).destroy();
      socket.on("error", () => {}).destroy();
      reject(error);
    };
    const done = () => settle(); // without what Bun says here of a certificate that is not to be checked
    const closed = () => settle(new OutboundError("connection_reset", ({ network }) => network.cut));
    const abort = () => settle(signal.reason);
    secured.once("secureConnect", done).on("error", settle).on("close", closed);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
  });
}

/** Settles as the promise does, or rejects with the signal's reason. */
function unlessAborted<Value>(promise: Value | Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    Promise.resolve(promise).then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Whether an address leads nowhere from here, which says nothing of the host's others. */
function isUnreachable(error: unknown): boolean {
  return ["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
