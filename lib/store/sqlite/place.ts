/** Where the store's file lies. */

import { isAbsolute, join } from "node:path";

/** What decides where a store with a relative path lies. */
export interface Surroundings {
  /** The config's folder, an absolute path. */
  folder: string;
  /** `$STATE_DIRECTORY`, which systemd gives to a service with `StateDirectory=`. */
  stateDirectory?: string;
  /** Whether anything is at this path. */
  exists(path: string): boolean;
}

/**
 * The absolute path of a SQLite store. A relative path is in `$STATE_DIRECTORY`; without that, in `/var/lib/NAME` if it
 * exists and the config's folder is `/etc/NAME` (file-hierarchy(7): what `StateDirectory=NAME` creates), so that a
 * shell reaches the service's store; else beside the config.
 * @param store As the config names it: `sqlite:PATH`.
 */
export function placeOf(store: string, { folder, stateDirectory, exists }: Surroundings): string {
  const path = store.slice("sqlite:".length);
  if (isAbsolute(path)) return path;
  if (stateDirectory) return join(stateDirectory, path);
  const [, name] = /^\/etc\/([^/]+)$/.exec(folder) ?? [];
  const state = `/var/lib/${name}`;
  return join(name !== undefined && exists(state) ? state : folder, path);
}
