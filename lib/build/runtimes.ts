/** Bun's runtimes for other platforms, which are npm packages. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { lockedPackage } from "./deno_lock.ts";
import type { Platform } from "./platforms.ts";

/** The version of Bun that makes the executable. */
export const BUN_VERSION: string = manifest.imports.bun.replace("npm:bun@", "");

/**
 * Gets the runtime for a platform and gives its path. Bun would download it by itself, but from one registry whatever npm
 * is configured to use, and unverified: here npm gets the package, and it must be the one of the lock file.
 * @param folder An empty folder, to put it into.
 * @throws {Error} if it cannot be had, or is another one.
 */
export function fetchRuntime({ runtimePackage, runtimePath }: Platform, folder: string): string {
  const id = `${runtimePackage}@${BUN_VERSION}`;
  run("npm", ["pack", id, "--silent", "--prefer-offline", `--pack-destination=${folder}`]);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  if (integrity !== lockedPackage(runtimePackage, BUN_VERSION).integrity) {
    throw new Error(`Cannot use ${id}: it is not the one that deno.lock names, but ${integrity}`);
  }
  run("tar", ["-xzf", tarball, "-C", folder]);
  return join(folder, "package", runtimePath);
}

function run(program: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ${program} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
