/** The licenses of what is in the executable, whose texts must come with it. */

import type { BundledPackage } from "./bundle.ts";
import { BUN_VERSION } from "./runtimes.ts";

/** A text for people: each package with its license. */
export function notices(packages: readonly BundledPackage[]): string {
  const bun = {
    name: "bun",
    version: BUN_VERSION,
    license: "MIT",
    licenseText:
      "Bun links statically with JavaScriptCore (LGPL-2) and others; https://bun.com/docs/project/licensing lists them.",
  };
  const parts = [bun, ...packages].map(({ name, version, license, licenseText }) =>
    [`${name} ${version}: ${license}`, licenseText].filter(Boolean).join("\n\n")
  );
  return ["The executable holds these as well:", ...parts].join(`\n\n${"-".repeat(72)}\n`) + "\n";
}
