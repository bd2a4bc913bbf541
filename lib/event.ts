/** Events: what a config's functions see of them, and the event as it is kept. */

import type { Note } from "./connectvets/note.ts";
import type { IdBytes } from "./id.ts";
import type { KnownEvents, NoteError } from "./known_events.ts";
import type { Told } from "./locale/told.ts";

/** An event that ConnectVets does not document, or that another sender sends. */
export interface UnknownEvent {
  event: string;
  data: Record<string, unknown>;
  [field: string]: unknown;
}

/** Any event, with every documented field. Each one can be missing. */
export interface AnyEvent {
  event: string;
  timestamp?: string;
  webhook_id?: string;
  data: {
    note_id?: string;
    id?: string;
    name?: string;
    status?: string;
    transcription_status?: string;
    external_id?: string;
    created_at?: string;
    completed_at?: string;
    failed_at?: string;
    error?: NoteError;
  };
}

type Split<Text extends string> = Text extends `${infer Head}.${infer Rest}` ? [Head, ...Split<Rest>] : [Text];

type Part<Glob extends string> = Glob extends `${infer Head}*${infer Rest}` ? `${Head}${string}${Part<Rest>}` : Glob;

type Matches<Globs extends readonly string[], Names extends readonly string[]> = Globs extends
  readonly [infer Glob extends string, ...infer Globs2 extends readonly string[]]
  ? Glob extends "**" ? Matches<Globs2, Names> extends true ? true
    : Names extends readonly [string, ...infer Names2 extends readonly string[]] ? Matches<Globs, Names2>
    : false
  : Names extends readonly [infer Name extends string, ...infer Names2 extends readonly string[]]
    ? Name extends Part<Glob> ? Matches<Globs2, Names2> : false
  : false
  : Names extends readonly [] ? true
  : false;

type MatchingName<P extends string> = {
  [Name in keyof KnownEvents]: Matches<Split<P>, Split<Name>> extends true ? Name : never;
}[keyof KnownEvents];

/**
 * An event's name, or a pattern: `*` stands for a part between dots, or some of it; `**` for any number of parts.
 * Other names than the known ones are allowed.
 */
export type Pattern = keyof KnownEvents | "note.*" | "note.transcription.*" | "**" | (string & Record<never, never>);

/** The payload of events that match a pattern. */
export type EventOf<P extends string> = P extends unknown ? PayloadOfOne<P> : never;

type PayloadOfOne<P extends string> = string extends P ? AnyEvent
  : [MatchingName<P>] extends [never] ? UnknownEvent
  : KnownEvents[MatchingName<P>];

/** What a config's functions see of an event: its type as `event`, and what its source shows beside it. */
export type Payload = { event: string } & Record<string, unknown>;

/** An event as it is kept. */
export interface RelayEvent {
  /** UUIDv7. */
  id: string;
  /** Name of the source that received it. */
  source: string;
  /** What the sender calls this kind of event. */
  type: string;
  /** Unix milliseconds. */
  receivedAt: number;
  /** The bytes received; signatures are over these. */
  body: Uint8Array;
  /** Headers that go with the body to a target: its content type and its signature. */
  headers: Record<string, string>;
  /** The note in full, where the config asks for it. */
  note?: Note;
}

/** An event to be kept, with where it goes. */
export interface NewEvent {
  /** UUIDv7; the same for what is the same event. */
  id: IdBytes;
  source: string;
  type: string;
  /** Unix milliseconds. */
  receivedAt: number;
  body: Uint8Array;
  headers: Record<string, string>;
  /** Which of the source's secrets had signed it. */
  secretIndex: number;
  /** What a function of the config threw over it. */
  problems: readonly Told[];
  deliveries: readonly NewDelivery[];
}

export interface NewDelivery {
  /** Name of the target, whose lane it goes to. */
  target: string;
  /** Deliveries of one target with the same key are made one after the other, in the order of acceptance. */
  orderKey?: string;
  /** It begins when another delivery of its event has ended, in the lane of this name, or has waited this long. */
  awaits?: Awaited;
  /** Its step of a chain; deliveries of later steps wait, and await nothing else. */
  chain?: ChainStep;
}

/** What satisfies a chain: its event has arrived, or was read. */
export type ChainUntil = "delivered" | "read";

/** A step of a chain, whose steps begin one after the other until one of them satisfies it. */
export interface ChainStep {
  /** Tells the event's chains apart. */
  chain: number;
  /** From 1. The deliveries of a step begin together; an event's deliveries are in the order of the steps. */
  step: number;
  /** How long each step has before the next one begins, in milliseconds. */
  withinMs: number;
  until: ChainUntil;
  /** Only a receipt tells whether it has arrived. */
  hasProof: boolean;
}

/** What a delivery awaits: one that is made of its event in the lane of this name. */
export interface Awaited {
  lane: string;
  /** How long it waits, in milliseconds; absent: until the other has ended. */
  patienceMs?: number;
}

/** An event with the way to read it. */
export interface ReadableEvent extends RelayEvent {
  /** What the config's functions see of it. Each call reads it anew, since a function may change what it is given. */
  view(event: Pick<RelayEvent, "type" | "body" | "headers">): Payload;
}

/** What a config's functions see of an event, with the note in full as `note` where it is there. */
export function payloadOf(event: ReadableEvent): Payload {
  const payload = event.view(event);
  return event.note ? { ...payload, note: event.note } : payload;
}

/** Whether something was fetched for the event. */
export function hasFetched(event: RelayEvent): boolean {
  return event.note !== undefined;
}

/** The event as it was received, without what was fetched for it. */
export function bareEvent<Event extends RelayEvent>(event: Event): Omit<Event, "note"> {
  if (event.note === undefined) return event;
  const { note: _, ...bare } = event;
  return bare;
}

/** The first 256 characters of an event's type in printable ASCII, others percent-encoded; for headers and variables. */
export function printable(text: string): string {
  return text.toWellFormed().slice(0, 256).toWellFormed().replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent);
}
