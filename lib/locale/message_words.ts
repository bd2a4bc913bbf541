/** What default messages say: the same names in every language. */

import type { KnownEvents } from "../known_events.ts";
import type { AlarmData } from "../alarm.ts";
import type { Reason } from "../reason.ts";
import type { Refusal } from "../refusal.ts";

/** Events that have words of their own: those that ConnectVets documents, and the test that its guide describes. */
export type WordedEvent = keyof KnownEvents | "test";

/** A failure or a refusal in words. */
export interface Advice {
  /** What it is called. */
  name: string;
  /** One sentence: what happened and what to do about it. Between backticks stands what is to be typed as it is. */
  advice: string;
}

/** Errors of ConnectVets that have words of their own. @see https://docs.connectvets.com.br */
export type WordedError = "AUDIO_QUALITY_LOW" | "INVALID_AUDIO_FORMAT";

/** What is said of an event. */
export interface EventWords {
  /** What happened, in as few words as can be; opens an email's subject. */
  title: string;
  /** What happened, in a sentence. @param of Empty, or whose note it is, as `of` and `ofClient` say it. */
  what: (of: string) => string;
  /** What the person is to do about it. */
  todo: string;
}

/** What is said of an error. */
export interface ErrorWords {
  /** Why it failed, in a sentence. */
  why: string;
  /** What the person is to do about it. */
  todo: string;
}

/** What is said of an alarm that begins, and of one that ends. */
export interface AlarmWords {
  titles: { begin: string; end: string };
  todo: string;
}

/** Every word of the default messages. Between backticks stands what is to be typed as it is. */
export interface MessageWords {
  events: Record<WordedEvent, EventWords>;
  /** An event that nobody knows yet. @param type Its name. */
  otherTitle: (type: string) => string;
  otherWhat: (type: string) => string;
  otherTodo: string;
  /** Whose note it is. @param name The patient's name. */
  of: (name: string) => string;
  /** The same where no name is known. @param client What the clinic's own system calls it. */
  ofClient: (client: string) => string;
  errors: Record<WordedError, ErrorWords>;
  /** The error in its sender's own words. */
  errorSays: (message: string) => string;
  errorCode: (code: string) => string;
  labels: {
    todo: string;
    patient: string;
    client: string;
    note: string;
    sections: string;
    time: string;
    error: string;
    target: string;
    /** Since when an alarm is on. */
    since: string;
    /** When an alarm began that is over, and when it ended. */
    began: string;
    ended: string;
    /** Of the link to the event's page. */
    event: string;
    /** Of the link to the page of dead letters. */
    dead: string;
    /** Of the link to the page of all events. */
    events: string;
    /** Of the link to the first page. */
    overview: string;
  };
  /** Where the message comes from. @param id The event's id. */
  origin: (id: string, type: string) => string;
  /** Sections that a list left out, as its last item. */
  more: (count: number) => string;
  /** Blocks of a Slack message that were left out. */
  moreBlocks: (count: number) => string;
  /** Of a message of several events. @param from The time of the first of them. @param to That of the last. */
  digest: {
    titleOfDay: (count: number, from: string, to: string) => string;
    /** The times have dates. */
    titleOfDays: (count: number, from: string, to: string) => string;
    todo: string;
    origin: (timeZone: string) => string;
  };
  test: { title: string; what: (target: string) => string };
  nothingTodo: string;
  alarms: Record<AlarmData["alarm"], AlarmWords>;
  /** How long an alarm that is over was on. */
  lasted: (time: string) => string;
  reasons: Record<Reason, Advice>;
  otherReason: Advice;
  /** @param count How many failed, or at least did. */
  deadBegin: (count: number) => string;
  /** @param limit There are fewer now. */
  deadEnd: (limit: number) => string;
  /** Dead letters of one target and reason. @param time When the oldest event came in. */
  deadSince: (count: number, time: string) => string;
  refusals: Record<Refusal, Advice>;
  /** @param count How many were refused, or at least were. */
  refusedBegin: (count: number, time: string) => string;
  refusedEnd: (time: string) => string;
  /** Requests of one source that were refused for one reason. */
  refusedCount: (count: number) => string;
  /** How to find out why signatures are refused. */
  refusedCheck: string;
  silentBegin: (pattern: string, time: string) => string;
  silentEnd: (pattern: string) => string;
  /** What to look at if no events come in. */
  silentCheck: string;
}
