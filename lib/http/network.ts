/** Addresses of clients, and what one client has of them. Pure functions. */

import { isIP } from "node:net";

/** What one client has to itself: an address in IPv4; in IPv6 the /64, which one host usually has whole (RFC 8273). */
export function networkOf(address: string): string {
  const groups = groupsOf(address);
  return groups ? `${groups.slice(0, 4).join(":")}::/64` : address;
}

/** Undoes `::ffff:192.0.2.1`, as which a socket for both versions shows IPv4 (RFC 4291, 2.5.5.2). */
export function asIPv4(address: string): string {
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
