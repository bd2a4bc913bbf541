/** Who listens on a port of this machine, as far as Linux tells. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process that listens. */
export interface PortOwner {
  pid: number;
  /** Name of its program, up to 15 characters. */
  program: string;
}

/**
 * A process that listens on this port at any address; nothing where there is none, or where it is another user's and this
 * process is not root.
 */
export function portOwner(port: number): PortOwner | undefined {
  try {
    const sockets = new Set(["tcp", "tcp6"].flatMap((name) => listeningSockets(name, port)));
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (!hasOpen(pid, sockets)) continue;
      return { pid: Number(pid), program: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
    }
  } catch {
    // No such folder, or the process has ended: nobody can be named.
  }
  return undefined;
}

/** What descriptors of sockets that listen on a port link to. See proc_pid_net(5). */
function listeningSockets(table: string, port: number): string[] {
  const LISTEN = "0A";
  const rows = readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1).map((row) => row.trim().split(/\s+/));
  return rows.filter(([, local, , state]) => state === LISTEN && Number.parseInt(local!.split(":")[1]!, 16) === port)
    .map((row) => `socket:[${row[9]}]`);
}

function hasOpen(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // another user's, or ended by now
  }
}
