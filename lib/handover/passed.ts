/** Sockets that a service manager passes to a service at its start, as in sd_listen_fds(3). */

import { isIP } from "node:net";
import process from "node:process";
import { closeForAll } from "./descriptor.ts";

/** Where a socket listens. */
export interface Address {
  host: string;
  port: number;
}

/** The name of a socket that systemd keeps for the relay from one process to the next. */
export function keptName({ host, port }: Address): string {
  return `listen ${host.replaceAll(":", ".")} ${port}`;
}

/**
 * Descriptors of the sockets to serve on: those opened by an administrator's socket unit or another parent; if there
 * are none, the one that systemd kept for `listen`. All others are closed.
 */
export function takeSockets(listen: Address, env: Record<string, string | undefined> = process.env): number[] {
  if (Number(env.LISTEN_PID) !== process.pid) return [];
  const names = env.LISTEN_FDNAMES?.split(":") ?? [];
  const sockets = Array.from(
    { length: Number(env.LISTEN_FDS) || 0 },
    (_, at) => ({ fd: 3 + at, name: names[at] ?? "" }),
  );
  const opened = sockets.filter(({ name }) => !name.startsWith("listen "));
  const taken = opened.length > 0 ? opened : sockets.filter(({ name }) => name === keptName(listen));
  for (const socket of sockets) if (!taken.includes(socket)) closeForAll(socket.fd);
  return taken.map(({ fd }) => fd);
}

/** Whether a socket at this address is what `listen` asks for. A host given by name may have any address. */
export function isAsked(listen: Address, { host, port }: Address): boolean {
  const isAny = (host: string) => host === "0.0.0.0" || host === "::";
  const isPort = listen.port === 0 || listen.port === port;
  return isPort && (host === listen.host || isIP(listen.host) === 0 || isAny(host) && isAny(listen.host));
}
