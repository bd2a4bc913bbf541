/** The client of a request: whose address stands in the log, and whose requests count together. Pure functions. */

import { isIP } from "node:net";

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

/** What one client has to itself: an address in IPv4; in IPv6 the /64, which one host usually has whole (RFC 8273). */
export function networkOf(address: string): string {
  const groups = groupsOf(address);
  return groups ? `${groups.slice(0, 4).join(":")}::/64` : address;
}

/** Proxies differ in whether they give a port: `192.0.2.1:5678`, `[2001:db8::1]:5678`, `[2001:db8::1]`. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(entry) ?? [];
  return bracketed ?? plain ?? entry;
}

/** Undoes `::ffff:192.0.2.1`, as which a socket for both versions shows IPv4 (RFC 4291, 2.5.5.2). */
function asIPv4(address: string): string {
  const groups = groupsOf(address);
  if (!groups || groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return address;
  return groups.slice(6).map((group) => parseInt(group, 16)).map((group) => `${group >> 8}.${group & 255}`).join(".");
}

/** The eight groups of an address in IPv6, in hexadecimal without leading zeros; of no other text. */
function groupsOf(address: string): string[] | undefined {
  if (isIP(address) !== 6) return undefined;
  const [plain] = address.split("%"); // the zone of a link-local address
  const { hostname } = new URL(`http://[${plain}]`);
  const [head, tail = []] = hostname.slice(1, -1).split("::").map((part) => part.split(":").filter(Boolean));
  return [...head!, ...Array(8 - head!.length - tail.length).fill("0"), ...tail];
}
