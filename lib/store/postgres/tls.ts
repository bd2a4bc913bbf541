/** The TLS options of a connection to a server. */

import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { messageOf, RelayError, sayError } from "../../errors.ts";
import type { PostgresHost, PostgresUrl } from "./url.ts";

/** The driver's `ssl`. Reads the file of authorities each time, since it may have been renewed. */
export function tlsOf({ sslmode, sslrootcert }: PostgresUrl, { host }: PostgresHost): false | ConnectionOptions {
  if (sslmode === "disable" || host.startsWith("/")) return false;
  if (sslmode === "prefer" || sslmode === "require") return { rejectUnauthorized: false };
  const ca = sslrootcert === undefined || sslrootcert === "system" ? undefined : authorities(sslrootcert);
  if (sslmode === "verify-full") return { ca };
  return { ca, checkServerIdentity: () => undefined };
}

function authorities(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new RelayError((words) => words.store.server.cannotReadRoots(sayError(error)(words)));
  }
}

/** Whether a server said that it has no TLS. */
export function hasNoTls(error: unknown): boolean {
  return messageOf(error).includes("does not support SSL");
}
