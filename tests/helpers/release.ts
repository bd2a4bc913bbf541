/** What `deno task release` makes, for two platforms, and without the time that compressing takes. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../lib/build/release.ts", import.meta.url));

/** The platforms of {@link makeRelease}. */
export const platforms = ["linux-x64", "linux-arm64"];

/** For tests that need Debian's packages: they say so where those cannot be built. */
export const needsDpkg = { skip: spawnSync("dpkg-deb", ["--version"]).error ? "needs dpkg-deb, of Debian" : false };

/** Makes a release in a folder; gives what that printed. */
export function makeRelease(folder: string, only = platforms, env: Record<string, string> = {}): string {
  const isBun = "bun" in process.versions;
  const args = [program, "--out", folder, "--only", only.join(","), "--compression", "none"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...(isBun ? [] : ["run", "-A"]), ...args], {
    encoding: "utf8",
    env: { ...process.env, SOURCE_DATE_EPOCH: "1767225600", ...env },
  });
  if (status !== 0) throw new Error(`The release ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}
