/** The mark of a store that is moved to another place, or was: nobody but `relay migrate` writes to it. */

import { StoreError } from "../errors.ts";

/** How far a move has come, as each of its two stores says. */
export interface Mark {
  /** What this store is in it. Only a source is marked once it is done. */
  role: "source" | "destination";
  /** Random, and the same in both. */
  move: string;
  /** The other store, as people are shown it. */
  other: string;
  isDone: boolean;
}

/** Why a store that is marked cannot be used. @param doing Words for the error, with the store's name. */
export function refusalOf({ role, other, isDone }: Mark, doing: string): StoreError {
  if (isDone) {
    const hint = "name that one as `store` in the config";
    return new StoreError(`Cannot ${doing}: it was moved to ${other}`, hint);
  }
  const onward = "run the same `relay migrate` again to go on with it";
  return role === "source"
    ? new StoreError(
      `Cannot ${doing}: it is being moved to ${other}`,
      `${onward}; with --cancel, this store stays where it is`,
    )
    : new StoreError(
      `Cannot ${doing}: not everything has been moved here from ${other}`,
      `${onward}; if it was given up with --cancel, remove this copy`,
    );
}
