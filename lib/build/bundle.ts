/** The npm packages that the bundler put into the executable. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the bundler writes of its work, as far as it is needed: the files that each output is made of, by their paths. */
export interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

/** A package of which something went in. */
export interface BundledPackage {
  name: string;
  version: string;
  /** As SPDX names it. */
  license: string;
  description?: string;
  /** The text of its license, where it comes with one. */
  licenseText?: string;
}

/**
 * Every package that went in, by name.
 * @param root Folder that the metafile's paths are relative to.
 */
export function bundledPackages({ outputs }: Metafile, root: string): BundledPackage[] {
  const inputs = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const folders = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders)].filter((folder) => folder !== undefined)
    .map((folder) => packageIn(join(root, folder)))
    .sort((one, other) => one.name < other.name ? -1 : 1);
}

function packageIn(folder: string): BundledPackage {
  const { name, version, license, description } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  return { name, version, license, description, licenseText: file && readFileSync(join(folder, file), "utf8").trim() };
}
