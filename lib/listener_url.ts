/** Where a listener is, as a URL that can be opened. */

import type { Address } from "./handover/passed.ts";

/** @param scheme Of what it speaks. An IPv6 address stands in brackets, and its zone is escaped (RFC 6874). */
export function listenerUrl({ host, port }: Address, scheme: "http" | "https" = "http"): string {
  const name = host.includes(":") && !host.startsWith("[") ? `[${host.replace("%", "%25")}]` : host;
  return `${scheme}://${name}:${port}`;
}
