/**
 * Makes what a release consists of: executables, packages for Debian, SBOM, licenses and checksums.
 *
 *     release.ts [--out FOLDER] [--only PLATFORM,…] [--compression xz]
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { completionsOf } from "../cli/completions.ts";
import { createProgram } from "../cli/mod.ts";
import { messageOf } from "../errors.ts";
import { VERSION } from "../version.ts";
import { bundledPackages } from "./bundle.ts";
import { checksums } from "./checksums.ts";
import { compile } from "./compile.ts";
import { buildDeb, checkDebTools, debName } from "./deb.ts";
import { manPage } from "./man.ts";
import { notices } from "./notices.ts";
import { fetchRuntime } from "./runtimes.ts";
import { sbom } from "./sbom.ts";
import { executableName, type Platform, platformNamed, platforms } from "./platforms.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Makes all of it. The same source gives the same bytes.
 * @param dist Folder to put it into; what an earlier run has put there goes.
 * @param platforms Platforms to make it for.
 * @param compression Of the packages, as `dpkg-deb -Z` names it.
 */
async function release(dist: string, platforms: readonly Platform[], compression: string): Promise<void> {
  if (platforms.some(({ debian }) => debian)) checkDebTools();
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(dist)) if (/^relay[-_]|^SHA256SUMS$/.test(name)) rmSync(join(dist, name));
  const date = sourceDate();
  const work = mkdtempSync(join(dist, ".release-"));
  const names: string[] = [];
  const write = (name: string, text: string) => {
    writeFileSync(join(dist, name), text);
    names.push(name);
  };
  try {
    const metafile = join(work, "meta.json");
    for (const platform of platforms) {
      const name = executableName(VERSION, platform);
      const folder = join(work, platform.name);
      mkdirSync(folder);
      const runtime = fetchRuntime(platform, folder);
      compile(join(dist, name), { target: { bunTarget: platform.bunTarget, runtime }, metafile });
      rmSync(folder, { recursive: true });
      names.push(name);
    }
    const packages = bundledPackages(JSON.parse(readFileSync(metafile, "utf8")), root);
    const licenses = notices(packages);
    write(`relay-${VERSION}.cdx.json`, sbom({ version: VERSION, date, packages, platforms }));
    write(`relay-${VERSION}.licenses.txt`, licenses);

    const program = await createProgram();
    const shared = {
      version: VERSION,
      date,
      compression,
      man: manPage(program, { version: VERSION, date }),
      completions: completionsOf(program),
      notices: licenses,
    };
    for (const platform of platforms) {
      const { debian: architecture } = platform;
      if (architecture === undefined) continue;
      buildDeb(dist, { ...shared, architecture, executable: join(dist, executableName(VERSION, platform)) });
      names.push(debName(VERSION, architecture));
    }
    writeFileSync(join(dist, "SHA256SUMS"), checksums(dist, names));
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** `$SOURCE_DATE_EPOCH` (reproducible-builds.org), else when the last commit was made, else 1970. */
function sourceDate(): Date {
  const epoch = process.env.SOURCE_DATE_EPOCH ||
    spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }).stdout?.trim() || "0";
  if (!/^\d+$/.test(epoch)) throw new Error(`Cannot take SOURCE_DATE_EPOCH "${epoch}": it is no number of seconds`);
  return new Date(Number(epoch) * 1000);
}

const { values: { out, only, compression } } = parseArgs({
  options: {
    out: { type: "string", default: join(root, "dist") },
    only: { type: "string" },
    compression: { type: "string", default: "xz" },
  },
});
try {
  const names = only?.split(",") ?? platforms.map(({ name }) => name);
  await release(resolve(out), names.map(platformNamed), compression);
  process.stdout.write(readFileSync(join(out, "SHA256SUMS"), "utf8"));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
