/** Makes the executable: Bun bundles the source and puts its runtime before it. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What to compile for, where it is not this machine. */
export interface CompileTarget {
  /** As `bun build --target` names it. */
  bunTarget: string;
  /** Path of the runtime for it. */
  runtime: string;
}

const flags = [
  "--compile",
  "--minify",
  "--bytecode",
  "--splitting", // each verb is read when it is asked for
  "--format=esm", // bytecode with top-level `await` needs it
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--compile-autoload-package-json", // of packages that a config imports
  "--compile-autoload-tsconfig", // of its aliases for them
];

/**
 * Compiles the source to an executable. The same source gives the same bytes.
 * @param outfile Where to; a file that is there is replaced as a whole.
 * @param options.entry The program, if it is not the relay.
 * @param options.metafile Where Bun writes what it has bundled, as JSON.
 * @throws {Error} if it does not compile; Bun has said why.
 */
export function compile(
  outfile: string,
  options: { entry?: string; target?: CompileTarget; metafile?: string } = {},
): void {
  mkdirSync(dirname(outfile), { recursive: true });
  const folder = mkdtempSync(join(dirname(outfile), ".compile-"));
  try {
    const made = join(folder, "relay"); // its name becomes part of its bytes
    const { entry = "main.ts", target, metafile } = options;
    const more = [
      `--outfile=${made}`,
      ...(target ? [`--target=${target.bunTarget}`, `--compile-executable-path=${target.runtime}`] : []),
      ...(metafile ? [`--metafile=${metafile}`] : []),
    ];
    const bun = join(root, "node_modules/bun/bin/bun.exe");
    // Standard output is left to what runs this: `task bench --json` prints what a program reads.
    const { status } = spawnSync(bun, ["build", ...flags, ...more, entry], { cwd: root, stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error(`Cannot compile ${outfile}`);
    const suffix = target?.bunTarget.startsWith("bun-windows") ? ".exe" : "";
    renameSync(made + suffix, outfile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    compile(join(root, "dist/relay"));
  } catch {
    process.exitCode = 1;
  }
}
