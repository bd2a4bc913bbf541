/** `SHA256SUMS`, as `sha256sum --check` reads it. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A line for each file, in the order of their names. */
export function checksums(folder: string, names: readonly string[]): string {
  return [...names].sort().map((name) =>
    `${createHash("sha256").update(readFileSync(join(folder, name))).digest("hex")}  ${name}\n`
  ).join("");
}
