/** The version of a store's schema, read without changing the store. */

import { DatabaseSync } from "node:sqlite";
import { storeError } from "./error.ts";
import { migrations } from "./migrations.ts";

/**
 * Whether the store in this file is from an older version of the program, so that opening it upgrades it.
 * @throws {StoreError} if it cannot be read.
 */
export function isOlder(path: string): boolean {
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      const { version } = db.prepare("SELECT user_version AS version FROM pragma_user_version").get() as {
        version: number;
      };
      return version < migrations.length;
    } finally {
      db.close();
    }
  } catch (error) {
    throw storeError(({ store }) => store.doingTo.read(path), error);
  }
}
