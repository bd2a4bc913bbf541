/** @jsxImportSource hono/jsx */
/** Small parts of the pages about events: sentences with a time in them, copy buttons. */

import type { Child } from "hono/jsx";
import type { View } from "./view.ts";

/** Stands in a sentence for what is put there, and in no text of a language. */
const GAP = "\u0000";

/** A sentence with an element in it, such as a time. @param say Gives the sentence around a text. */
export function Fill({ say, children }: { say: (gap: string) => string; children: Child }) {
  const [before, after] = say(GAP).split(GAP);
  return <>{before}{children}{after}</>;
}

/** A button that copies the text of the element with this id. It is of use with a script only, which shows it. */
export function Copy({ view: { words }, of, what }: { view: View; of: string; what: string }) {
  const { copy, copied, copyOf } = words.event;
  return (
    <button type="button" class="quiet copy" hidden data-copy={of} data-copied={copied} aria-label={copyOf(what)}>
      {copy}
    </button>
  );
}
