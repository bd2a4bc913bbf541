/** What `deno.lock` knows of npm packages. */

import { readFileSync } from "node:fs";

/** A package of the lock file. */
export interface LockedPackage {
  /** Subresource Integrity of its tarball: `sha512-` and base64. */
  integrity: string;
  /** Names of what it depends on, each with its version where the lock file has several. */
  dependencies?: string[];
}

const { npm } = JSON.parse(readFileSync(new URL("../../deno.lock", import.meta.url), "utf8")) as {
  npm: Record<string, LockedPackage>;
};

/**
 * What is locked of a package.
 * @throws {Error} if it is not in the lock file.
 */
export function lockedPackage(name: string, version: string): LockedPackage {
  const id = `${name}@${version}`;
  // With an underscore, the versions of its peers follow.
  const key = Object.keys(npm).find((one) => one === id || one.startsWith(`${id}_`));
  if (key === undefined) throw new Error(`Cannot find ${id} in deno.lock`);
  return npm[key]!;
}
