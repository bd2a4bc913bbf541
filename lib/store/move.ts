/** The mark of a store that is being moved, or has been: only `relay migrate` writes to it. */

import { StoreError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
import { cannot, type Doing } from "./fault.ts";

/** How far a move has come, as recorded in each of its two stores. */
export interface Mark {
  /** The store's role in it. Once it is done, only the source is marked. */
  role: "source" | "destination";
  /** Random, and the same in both stores. */
  move: string;
  /** The other store, as it is shown to people. */
  other: string;
  isDone: boolean;
}

/** Why a marked store cannot be used. @param doing What could not be done, with the store's name. */
export function refusalOf({ role, other, isDone }: Mark, doing: Doing): StoreError {
  const [problem, hint]: Phrase[] = isDone
    ? [({ store }) => store.moved.done(other), ({ store }) => store.moved.nameOther]
    : role === "source"
    ? [({ store }) => store.moved.from(other), ({ store }) => store.moved.orCancel]
    : [({ store }) => store.moved.to(other), ({ store }) => store.moved.orRemove];
  return new StoreError(cannot(doing, problem!), hint);
}
