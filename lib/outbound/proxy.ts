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
 * The proxy for a URL: `http_proxy` or `https_proxy` by the URL's scheme, else `all_proxy`, unless `no_proxy` has its
 * host; each in lower case or in capitals. Whether the host is a private one is not asked here.
 * @throws {OutboundError} if its own URL is not one of `http://` or `https://`.
 */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>> = process.env): Proxy | undefined {
  const valueOf = (name: string) => env[name] || env[name.toUpperCase()];
  const name = `${url.protocol.slice(0, -1)}_proxy`;
  const text = valueOf(name) || valueOf("all_proxy");
  if (!text || isExcepted(url, valueOf("no_proxy") ?? "")) return undefined;
  const whole = text.includes("://") ? text : `http://${text}`;
  const proxy = URL.canParse(whole) ? new URL(whole) : undefined;
  if (!proxy || !/^https?:$/.test(proxy.protocol)) {
    const words = `the proxy of ${name} or all_proxy in the environment is not one of http:// or https://`;
    throw new OutboundError("proxy_failed", words);
  }
  const login = loginOf(proxy);
  return { url: proxy, place: proxy.origin, headers: login ? { "Proxy-Authorization": login } : {} };
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
