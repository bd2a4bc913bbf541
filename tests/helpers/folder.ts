/** Folders that live as long as a test. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new, empty folder, and the way to remove it. */
export function makeFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "relay-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
