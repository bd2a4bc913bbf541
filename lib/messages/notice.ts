/** The content of a default message, before it is written in the form of any kind of target. */

/** Whether what happened is good, bad, or neither. */
export type Tone = "good" | "bad" | "neutral";

/** A label, and what it is of. */
export type Fact = [label: string, value: string];

/** What a default message says. No text in it is escaped for anything. */
export interface Notice {
  tone: Tone;
  /** What happened, and to whom, in a few words; also an email's subject. */
  title: string;
  /** What happened and why, each a sentence or two. */
  what: string[];
  /** What to do about it. Between backticks stands what is to be typed as it is. */
  todo: Fact;
  /** What else is known, most important first. */
  facts: Fact[];
  /** The note's sections, each its title and its text, where the config asks for them. */
  sections: Fact[];
  /** Where to see more, if the operator's pages can be reached. */
  link?: { label: string; url: string };
  /** Where the message comes from. */
  origin: string;
}
