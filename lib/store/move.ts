/** The mark of a store that is moved to another place, or was: nobody but `relay migrate` writes to it. */

import { StoreError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { cannot, type Doing } from "./fault.ts";

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

/** Why a store that is marked cannot be used. @param doing What could not be done, with the store's name. */
export function refusalOf({ role, other, isDone }: Mark, doing: Doing): StoreError {
  const [problem, hint]: Phrase[] = isDone
    ? [({ store }) => store.moved.done(other), ({ store }) => store.moved.nameOther]
    : role === "source"
    ? [({ store }) => store.moved.from(other), ({ store }) => store.moved.orCancel]
    : [({ store }) => store.moved.to(other), ({ store }) => store.moved.orRemove];
  return new StoreError(cannot(doing, problem!), hint);
}
