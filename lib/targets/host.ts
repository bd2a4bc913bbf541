/** Which addresses a host name stands for, and whether they can only be this machine's. */

import { lookup, type LookupAddress } from "node:dns";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

/**
 * Whether a host can be no machine but this one: an address of the loopback interface, or `localhost` and names under it.
 * Never by what a name server says.
 * @see RFC 6761, section 6.3
 */
export function isLoopback(host: string): boolean {
  return isIP(host) ? loopback.check(host, isIPv6(host) ? "ipv6" : "ipv4") : isLocalhost(host);
}

/**
 * Finds addresses, for `connect()` of `node:net`: as the system does, by `getaddrinfo` and so by `/etc/hosts` before DNS;
 * those of `localhost` and names under it are known.
 */
export const lookupHost: LookupFunction = (host, options, done) => {
  const all = isLocalhost(host) ? Promise.resolve(ofLocalhost) : addressesOf(host);
  all.then(
    (found) => options.all ? done(null, found) : done(null, found[0]!.address, found[0]!.family),
    (error) => done(error, []),
  );
};

const isLocalhost = (host: string) => /(^|\.)localhost\.?$/i.test(host);

const ofLocalhost: LookupAddress[] = [{ address: "127.0.0.1", family: 4 }, { address: "::1", family: 6 }];

const underWay = new Map<string, Promise<LookupAddress[]>>();

/** A name is asked for once at a time: each question holds a thread, of which there are few, while DNS is silent. */
function addressesOf(host: string): Promise<LookupAddress[]> {
  const known = underWay.get(host);
  if (known) return known;
  const asked = new Promise<LookupAddress[]>((resolve, reject) => {
    lookup(host, { all: true }, (error, found) => {
      underWay.delete(host);
      if (error) reject(error);
      else resolve(found);
    });
  });
  underWay.set(host, asked);
  return asked;
}
