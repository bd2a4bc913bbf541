/** The addresses that a host name stands for on this machine, and which of them are its own, or private. */

import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";

const lookups = new Map<string, Promise<string[]>>();

/**
 * The addresses of a host, in the order to try them.
 * @param host As a URL has it: a name, or an address, which in IPv6 stands in brackets.
 * @throws {Error} with the system's code, such as `ENOTFOUND`.
 */
export function addressesOf(host: string): string[] | Promise<string[]> {
  const address = bare(host);
  if (isIP(address)) return [address];
  if (isLocalName(host)) return ["127.0.0.1", "::1"];
  // A name server that does not answer would otherwise hold up all other names, by as many questions as there are
  // deliveries to the one that it does not know.
  let asked = lookups.get(host);
  if (!asked) {
    asked = resolve(host).finally(() => lookups.delete(host));
    lookups.set(host, asked);
  }
  return asked;
}

/** {@link addressesOf}, for `connect()` of `node:net`. */
export const lookupHost: LookupFunction = (host, { all }, done) => {
  Promise.resolve(host).then(addressesOf).then(
    (found) => {
      const addresses = found.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
      if (all) done(null, addresses);
      else done(null, addresses[0]!.address, addresses[0]!.family);
    },
    (error) => done(error, []),
  );
};

/** The address of a URL's host without the brackets of IPv6; a name stays as it is. */
export function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** By the system's resolver, so that `/etc/hosts` counts. IPv6 and IPv4 in turn, as one of them may lead nowhere. */
async function resolve(host: string): Promise<string[]> {
  const found = (await lookup(host, { all: true })).map(({ address }) => address);
  const isFirstIPv6 = isIPv6(found[0] ?? "");
  const [ones, others] = [true, false].map((isSame) => found.filter((one) => isIPv6(one) === isFirstIPv6 === isSame));
  return ones!.flatMap((one, index) => [one, ...others!.slice(index, index + 1)]).concat(others!.slice(ones!.length));
}

/** `localhost` and the names under it are this machine, whatever a name server says. @see RFC 6761, section 6.3 */
function isLocalName(host: string): boolean {
  return /(^|\.)localhost\.?$/i.test(host);
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

/** Whether a host can be no machine but this one, by its name or address alone: never by what a name server says. */
export function isLoopback(host: string): boolean {
  const address = bare(host);
  return isIP(address) ? loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4") : isLocalName(host);
}

const privateNets = new BlockList();
for (
  const [net, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10], // shared by a provider's customers, and by overlay networks
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.168.0.0", 16],
    ["::", 127],
    ["fc00::", 7],
    ["fe80::", 10],
  ] as const
) privateNets.addSubnet(net, prefix, isIPv6(net) ? "ipv6" : "ipv4");

/** Whether an address is of this machine, its link or a private network; also one of IPv4 in the form of IPv6. */
export function isPrivate(address: string): boolean {
  const [plain = ""] = address.split("%"); // the rest names an interface
  return privateNets.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
}
