/** What neither runtime has a name for: functions of Linux' C library. Without it, they do nothing. */

import process from "node:process";
import { type Library, openLibrary } from "./runtime.ts";

/** The functions, as their manual pages describe them; a negative result is a failure. */
export interface Libc {
  capset(header: Uint32Array, data: Uint32Array): number;
  clock_gettime(clock: number, time: BigInt64Array): number;
  close(fd: number): number;
  fcntl(fd: number, command: number, value: number): number;
  getsockopt(fd: number, level: number, option: number, value: Int32Array, size: Uint32Array): number;
  listen(fd: number, backlog: number): number;
  mount(
    source: Uint8Array | null,
    target: Uint8Array,
    type: Uint8Array | null,
    flags: number,
    data: Uint8Array | null,
  ): number;
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  shutdown(fd: number, how: number): number;
  socket(domain: number, type: number, protocol: number): number;
  umount2(target: Uint8Array, flags: number): number;
  unshare(flags: number): number;
}

let library: Library<Libc> | null | undefined;

/** Loaded on first use. Nothing on Deno, and where there is no glibc: nor is systemd there. */
function open(): Library<Libc> | null {
  if (process.platform !== "linux") return null;
  return library ??= openLibrary<Libc>("libc.so.6", {
    capset: { args: ["ptr", "ptr"], returns: "i32" },
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    listen: { args: ["i32", "i32"], returns: "i32" },
    mount: { args: ["ptr", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    sendmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
    shutdown: { args: ["i32", "i32"], returns: "i32" },
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    umount2: { args: ["ptr", "i32"], returns: "i32" },
    unshare: { args: ["i32"], returns: "i32" },
  }) ?? null;
}

/** The C library, where there is one that can be called. */
export function libc(): Libc | undefined {
  return open()?.functions;
}

/**
 * Sends a datagram to a Unix socket, as far as the runtime and the receiver let it: `node:dgram` knows none of these.
 * @param path A leading `@` stands for the abstract namespace of Linux.
 * @param descriptor An open file that the receiver gets as well.
 */
export function sendDatagram(path: string, text: string, descriptor?: number): void {
  const libc = open();
  if (!libc) return;
  const { socket, sendmsg, close } = libc.functions;
  const AF_UNIX = 1;
  const encoder = new TextEncoder();
  const [name, data] = [encoder.encode(path.replace(/^@/, "\0")), encoder.encode(text)];

  // One piece of memory holds a msghdr and all that it points to, so that all of it lasts as long as the call.
  const [iovec, control, address, content] = [56, 72, 96, 96 + 112] as const;
  const memory = new ArrayBuffer(content + data.length);
  const message = new Uint8Array(memory);
  const at = (offset: number) => libc.addressOf(memory) + BigInt(offset);
  new Uint16Array(memory, address, 1)[0] = AF_UNIX;
  message.set(name, address + 2);
  message.set(data, content);
  const words = new BigUint64Array(memory, 0, address / 8);
  words.set([at(address), BigInt(2 + name.length), at(iovec), 1n], 0);
  words.set([at(content), BigInt(data.length)], iovec / 8);
  if (descriptor !== undefined) {
    words.set([at(control), 24n], 4);
    words.set([20n, 1n | 1n << 32n, BigInt(descriptor)], control / 8); // SOL_SOCKET, SCM_RIGHTS
  }

  const fd = socket(AF_UNIX, 0o2000002, 0); // SOCK_DGRAM | SOCK_CLOEXEC
  if (fd < 0) return;
  sendmsg(fd, message, 0x4040); // MSG_NOSIGNAL | MSG_DONTWAIT
  close(fd);
}

/** Microseconds of the system's monotonic clock, or 0 where it cannot be read: `process.hrtime` begins with the process. */
export function monotonicUsec(): bigint {
  const time = new BigInt64Array(2);
  libc()?.clock_gettime(1, time); // CLOCK_MONOTONIC
  return time[0]! * 1_000_000n + time[1]! / 1000n;
}
