/** Where a service's credentials lie, for the service itself and for a shell of root beside it. */

import { spawnSync } from "node:child_process";
import { isAbsolute, join } from "node:path";

/** What is known of a service whose config lies in `/etc/NAME`. */
export interface Surroundings {
  /** The config's folder, an absolute path. */
  folder: string;
  /** `$CREDENTIALS_DIRECTORY`, which systemd gives to a service with `LoadCredential=`. */
  credentialsDirectory?: string;
  /** Whether this user can see something at this path. */
  exists(path: string): boolean;
  /** The unit of this name with its drop-ins, as text; empty if there is none. */
  unit(name: string): string;
}

/**
 * The path of the file that holds a credential. A service is told by `$CREDENTIALS_DIRECTORY`. Without it, for a config in
 * `/etc/NAME`, it is what the running `NAME.service` has, so that root's verbs read the config that is served; or while
 * that does not run, what its `LoadCredential=` names.
 * @returns Nothing where none of these has it.
 */
export function credentialPath(
  credential: string,
  { folder, credentialsDirectory, exists, unit }: Surroundings,
): string | undefined {
  if (credentialsDirectory) return join(credentialsDirectory, credential);
  const [, name] = /^\/etc\/([^/]+)$/.exec(folder) ?? [];
  if (name === undefined) return undefined;
  const loaded = `/run/credentials/${name}.service/${credential}`;
  if (exists(loaded)) return loaded;
  const path = pathsOf(unit(`${name}.service`)).get(credential);
  return path !== undefined && exists(path) ? path : undefined;
}

/** The unit of this name with its drop-ins; empty where there is none, and without systemd. */
export function readUnit(name: string): string {
  return spawnSync("systemctl", ["cat", "--", name], { encoding: "utf8" }).stdout ?? "";
}

/** Credentials that a unit loads from a file of their own, by name. */
function pathsOf(unit: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const [, setting] of unit.matchAll(/^\s*LoadCredential\s*=\s*(.*?)\s*$/gm)) {
    if (setting === "") paths.clear(); // as systemd does
    const [credential = "", path = ""] = setting!.split(/:(.*)/s);
    if (isAbsolute(path)) paths.set(credential, path);
  }
  return paths;
}
