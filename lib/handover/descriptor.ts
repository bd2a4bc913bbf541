/** Sockets that one process hands to the next as open descriptors, as Linux sees them. */

import { libc } from "../libc.ts";

/** Whether a descriptor is a listening TCP socket; `undefined` where that cannot be determined. */
export function isListening(fd: number): boolean | undefined {
  const library = libc();
  if (!library) return undefined;
  const [SOL_SOCKET, SO_PROTOCOL, SO_ACCEPTCONN, IPPROTO_TCP] = [1, 38, 30, 6];
  const option = (name: number) => {
    const value = new Int32Array(1);
    return library.getsockopt(fd, SOL_SOCKET, name, value, new Uint32Array([4])) < 0 ? undefined : value[0];
  };
  return option(SO_ACCEPTCONN) === 1 && option(SO_PROTOCOL) === IPPROTO_TCP;
}

/** Sets how many connections may wait to be accepted. Bun always asks for 512. */
export function setBacklog(fd: number, backlog: number): void {
  libc()?.listen(fd, backlog);
}

/** Keeps a descriptor from programs that this process starts, which would hold the socket open. */
export function closeOnExec(fd: number): void {
  const [F_SETFD, FD_CLOEXEC] = [2, 1];
  libc()?.fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/** Closes a listening socket for every process that has it, so that its address is free. */
export function closeForAll(fd: number): void {
  const SHUT_RDWR = 2;
  libc()?.shutdown(fd, SHUT_RDWR);
  libc()?.close(fd);
}
