/** The client of a request: whose address the log shows, and whose requests count together. Pure functions. */

import { isIP } from "node:net";
import { asIPv4 } from "../http/network.ts";

/**
 * The client's address. Behind n trusted proxies it is the n-th from the right in `X-Forwarded-For`, since each of them
 * appends the address it heard from; anyone can write what is further left. If there are fewer addresses, it is the
 * leftmost; if there is none, or n is 0, it is that of the connection. IPv4 written as IPv6 is returned as IPv4.
 */
export function clientAddress(connection: string, forwardedFor: string | null, trustedProxies: number): string {
  const entries = trustedProxies > 0 && forwardedFor ? forwardedFor.split(",") : [];
  const entry = entries[Math.max(0, entries.length - trustedProxies)];
  const forwarded = entry === undefined ? "" : withoutPort(entry.trim());
  return asIPv4(isIP(forwarded) ? forwarded : connection);
}

/** Not every proxy adds a port: `192.0.2.1:5678`, `[2001:db8::1]:5678`, `[2001:db8::1]`. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(entry) ?? [];
  return bracketed ?? plain ?? entry;
}
