/** The client of a request: whose address stands in the log, and whose requests count together. Pure functions. */

import { isIP } from "node:net";
import { asIPv4 } from "../http/network.ts";

/**
 * The client's address: the n-th from the right of `X-Forwarded-For`, for n trusted proxies in front, since each of them
 * appends whom it heard; anyone can write what stands further left. Of fewer addresses it is the leftmost; where there is
 * no address, and for n = 0, it is that of the connection. IPv4 written as IPv6 is given as IPv4.
 */
export function clientAddress(connection: string, forwardedFor: string | null, trustedProxies: number): string {
  const entries = trustedProxies > 0 && forwardedFor ? forwardedFor.split(",") : [];
  const entry = entries[Math.max(0, entries.length - trustedProxies)];
  const forwarded = entry === undefined ? "" : withoutPort(entry.trim());
  return asIPv4(isIP(forwarded) ? forwarded : connection);
}

/** Proxies differ in whether they give a port: `192.0.2.1:5678`, `[2001:db8::1]:5678`, `[2001:db8::1]`. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(entry) ?? [];
  return bracketed ?? plain ?? entry;
}
