/** Listening sockets as Linux sees them: whose address they have, and how one takes the place of another. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { type Libc, libc } from "./libc.ts";

/** Where a socket listens. */
export interface Address {
  host: string;
  port: number;
}

/** How the event loop watches a socket: the arguments of its `epoll_ctl(2)`. */
interface Watch {
  epoll: number;
  fd: number;
  events: number;
  data: bigint;
}

/**
 * The socket of a server of this process. Bun's server cannot be given one that is open already (oven-sh/bun#22559), so
 * it is given it behind its back: the open socket takes the number of the server's own, and is watched in its stead.
 */
export class ListeningSocket {
  readonly #libc: Libc;
  readonly #watch: Watch;

  private constructor(libc: Libc, watch: Watch) {
    this.#libc = libc;
    this.#watch = watch;
  }

  /** The socket of the server on this port; nothing where the runtime does not let it be found. */
  static ofServer(port: number): ListeningSocket | undefined {
    const library = libc();
    const watch = library && watches().find(({ fd }) => addressOf(fd)?.port === port);
    return watch && new ListeningSocket(library, watch);
  }

  /** Its descriptor. */
  get fd(): number {
    return this.#watch.fd;
  }

  /** Puts another socket into its place, and closes that descriptor and the old socket. Both belong to this process. */
  replaceBy(descriptor: number): void {
    const { epoll, fd, events, data } = this.#watch;
    // Processes that were passed a socket share its flags. The event loop accepts until it would have to wait.
    const flags = this.#libc.fcntl(descriptor, 3, 0); // F_GETFL
    check("fcntl", this.#libc.fcntl(descriptor, 4, flags | 0o4000)); // F_SETFL, O_NONBLOCK
    check("dup3", this.#libc.dup3(descriptor, fd, 0o2000000)); // O_CLOEXEC
    check("epoll_ctl", this.#libc.epoll_ctl(epoll, 1, fd, epollEvent(events, data))); // EPOLL_CTL_ADD
    this.#libc.close(descriptor);
  }

  /** Accepts no more connections; those that come are kept for whoever has the socket too. */
  pause(): void {
    this.#libc.epoll_ctl(this.#watch.epoll, 2, this.#watch.fd, null); // EPOLL_CTL_DEL
  }
}

/** Where a descriptor listens for TCP connections; nothing if it is no such socket. */
export function addressOf(fd: number): Address | undefined {
  const bytes = new Uint8Array(28);
  const isListening = new Int32Array(1);
  const library = libc();
  if (!library || library.getsockopt(fd, 1, 30, isListening, new Uint32Array([4])) < 0) return undefined; // SO_ACCEPTCONN
  if (isListening[0] !== 1 || library.getsockname(fd, bytes, new Uint32Array([bytes.length])) < 0) return undefined;
  const [AF_INET, AF_INET6] = [2, 10];
  const port = bytes[2]! * 256 + bytes[3]!;
  switch (new Uint16Array(bytes.buffer, 0, 1)[0]) {
    case AF_INET:
      return { host: bytes.slice(4, 8).join("."), port };
    case AF_INET6: {
      const groups = Array.from({ length: 8 }, (_, at) => (bytes[8 + 2 * at]! * 256 + bytes[9 + 2 * at]!).toString(16));
      return { host: new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1), port };
    }
  }
  return undefined;
}

/** Closes a listening socket for all who have it, so that its address is free. */
export function closeForAll(fd: number): void {
  libc()?.shutdown(fd, 2); // SHUT_RDWR
  libc()?.close(fd);
}

/** What the event loops of this process watch: proc_pid_fdinfo(5) tells of each. */
function watches(): Watch[] {
  return readdirSync("/proc/self/fd").filter(isEpoll).flatMap((epoll) => {
    const lines = readFileSync(`/proc/self/fdinfo/${epoll}`, "utf8").matchAll(
      /^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)/gm,
    );
    return Array.from(lines, ([, fd, events, data]) => ({
      epoll: Number(epoll),
      fd: Number(fd),
      events: Number(`0x${events}`),
      data: BigInt(`0x${data}`),
    }));
  });
}

function isEpoll(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[eventpoll]";
  } catch {
    return false; // closed by now
  }
}

/** A `struct epoll_event`, which is packed on x86-64 alone. */
function epollEvent(events: number, data: bigint): Uint8Array {
  const event = new Uint8Array(16);
  const view = new DataView(event.buffer);
  view.setUint32(0, events, true);
  view.setBigUint64(process.arch === "x64" ? 4 : 8, data, true);
  return event;
}

function check(call: string, result: number): void {
  if (result < 0) throw new Error(`${call} failed`);
}
