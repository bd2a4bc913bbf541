/** How the errors of a store are worded: what could not be done, and what is wrong. */

import { RelayError } from "../errors.ts";
import type { Language } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";

/** What could not be done: the name of a phrase, or a phrase that contains a path. */
export type Doing = keyof Language["store"]["doing"] | Phrase;

/** What is wrong with a store: the second half of a sentence that says what could not be done. */
export class StoreFault extends RelayError {}

/** `Cannot read the store: it is corrupt`, in any language. */
export function cannot(doing: Doing, problem: Phrase): Phrase {
  return (words) => words.store.cannot(sayDoing(doing)(words), problem(words));
}

/** As {@link cannot}, and names the database. */
export function cannotIn(database: string, doing: Doing, problem: Phrase): Phrase {
  return (words) => words.store.cannotIn(sayDoing(doing)(words), database, problem(words));
}

function sayDoing(doing: Doing): Phrase {
  return typeof doing === "function" ? doing : (words) => words.store.doing[doing];
}
