/** Reads `listen.tls`: what it names, and whether a listener and its senders can do with it. */

import type { ConfigIssue } from "../errors.ts";
import { isObject } from "../json.ts";
import { file } from "../secret.ts";
import { type Finding, type KeyPair, readKeyPair } from "../tls/certificate.ts";
import type { ConfigWarning } from "../warnings.ts";

/** What reading `listen.tls` gave; nothing where the config has none, or it is of the wrong form. */
export interface TlsReading {
  pair?: KeyPair;
  issues: ConfigIssue[];
  warnings: ConfigWarning[];
  secrets: string[];
}

/** A config whose paths in `listen.tls` are secrets: what they name is read with all the others. */
export function withPemFiles(exported: unknown): unknown {
  if (!isObject(exported) || !isObject(exported.listen) || !isObject(exported.listen.tls)) return exported;
  const { tls } = exported.listen;
  const isPath = (value: unknown) => typeof value === "string" && value !== "" && !value.includes("-----BEGIN");
  const paths = ["cert", "key"].filter((name) => isPath(tls[name])).map((name) => [name, file(tls[name] as string)]);
  return { ...exported, listen: { ...exported.listen, tls: { ...tls, ...Object.fromEntries(paths) } } };
}

/** Reads `listen.tls` of a config in which every secret is read. */
export function readTls({ listen }: Record<string, unknown>, nowMs: number): TlsReading {
  const { cert, key } = isObject(listen) && isObject(listen.tls) ? listen.tls : {};
  const secrets = typeof key === "string" && key !== "" ? [key] : [];
  if (typeof cert !== "string" || typeof key !== "string" || cert === "" || key === "") {
    return { issues: [], warnings: [], secrets };
  }
  const { pair, issues, warnings } = readKeyPair({ cert, key }, nowMs);
  const placed = warnings.map((warning) => ({ path: "listen.tls.cert", warning }));
  return { pair, issues: issues.map(issueOf), warnings: placed, secrets };
}

function issueOf({ part, message }: Finding): ConfigIssue {
  return { path: `listen.tls.${part}`, message };
}
