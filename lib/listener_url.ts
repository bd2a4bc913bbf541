/** How the address of a listener is told to people and programs. Pure functions. */

import { isIP } from "node:net";

/** An address with its port: `127.0.0.1:3000`, `[::1]:3000`. */
export function hostAndPort(host: string, port: number): string {
  return `${isIP(host) === 6 ? `[${host.replace("%", "%25")}]` : host}:${port}`; // a zone is escaped in a URL (RFC 6874)
}

/** Whether a listener on this host is reached at every address of its machine. */
export function isEverywhere(host: string): boolean {
  return /^(0+\.){3}0+$/.test(host) || (isIP(host) === 6 && /^[0:]+$/.test(host));
}

/** A URL at which this machine reaches a listener: for one at every address, that of the loopback. */
export function listenerUrl(host: string, port: number, scheme: "http" | "https" = "http"): string {
  const reachable = !isEverywhere(host) ? host : isIP(host) === 6 ? "::1" : "127.0.0.1";
  return `${scheme}://${hostAndPort(reachable, port)}`;
}
