/** Which proxy the environment names for a URL, by the rules of curl. */

import { BlockList, isIP, isIPv6 } from "node:net";
import process from "node:process";
import { bare } from "./addresses.ts";
import { OutboundError } from "./error.ts";
import { loginOf } from "./login.ts";

/** A proxy to ask. */
export interface Proxy {
  url: URL;
  /** Where it is, without its login. */
  place: string;
  /** Headers that are for it alone. */
  headers: Readonly<Record<string, string>>;
}

/**
 * What the environment names as the proxy for a URL: `http_proxy` or `https_proxy` by the URL's scheme, else `all_proxy`,
 * unless `no_proxy` has its host; each in lower case or in capitals. Whether the host is a private one is not asked here.
 */
export function proxyFor(
  url: URL,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const valueOf = (name: string) => env[name] || env[name.toUpperCase()];
  const proxy = valueOf(`${url.protocol.slice(0, -1)}_proxy`) || valueOf("all_proxy");
  return proxy && !isExcepted(url, valueOf("no_proxy") ?? "") ? proxy : undefined;
}

/**
 * Reads what the environment names; without a scheme it is one of `http://`.
 * @throws {OutboundError} if it is no proxy of `http://` or `https://`.
 */
export function readProxy(text: string): Proxy {
  const whole = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new OutboundError("proxy_failed", ({ proxy }) => proxy.notHttp);
  }
  const login = loginOf(url);
  return { url, place: url.origin, headers: login ? { "Proxy-Authorization": login } : {} };
}

/** Whether a list of hosts has this one: names, which stand for those under them too, addresses, networks, or `*`. */
function isExcepted(url: URL, list: string): boolean {
  const host = bare(url.hostname).toLowerCase().replace(/\.$/, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list.toLowerCase().split(/[\s,]+/).filter((entry) => entry !== "").some((entry) => {
    if (entry === "*") return true;
    if (entry.includes("/")) return isIn(host, entry);
    const [, name = "", onlyPort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [undefined, entry];
    if (onlyPort && onlyPort !== port) return false;
    const plain = bare(name).replace(/^\*?\./, "").replace(/\.$/, "");
    return host === plain || (!isIP(host) && host.endsWith(`.${plain}`));
  });
}

function isIn(address: string, network: string): boolean {
  const [net = "", prefix] = network.split("/");
  const family = isIPv6(net) ? "ipv6" : "ipv4";
  const bits = Number(prefix);
  if (!isIP(address) || !isIP(net) || !(bits >= 0 && bits <= (family === "ipv6" ? 128 : 32))) return false;
  const list = new BlockList();
  list.addSubnet(net, bits, family);
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
