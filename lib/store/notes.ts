/** What a store keeps of notes, and of the requests for them. */

/** What came of asking for the note of an event. */
export interface KeptNote {
  /** When that was, in Unix milliseconds. */
  at: number;
  /** The note, as the API gave it: JSON. */
  data?: Uint8Array;
  /** Why there is none, in words. */
  problem?: string;
}

/** What an account of the API has used of its limit. Times are Unix milliseconds. */
export interface NoteUse {
  /** When requests were made, in their order; now, if a clock that was set back since says that it was later. */
  requests: number[];
  /** The API takes no request before then. */
  heldUntil?: number;
}

/** The side of a store that notes need. Errors and transactions are as in {@link Store}. */
export interface NoteStore {
  /** What is kept with the event at this place in the order of acceptance. It goes with the event. */
  get(event: number): Promise<KeptNote | undefined>;
  /** Keeps it, in place of what was kept. Of an event that is gone nothing is kept. */
  keep(event: number, note: KeptNote): Promise<void>;
  /** What an account has used since a time. */
  use(account: string, since: number): Promise<NoteUse>;
  /** Remembers a request that is about to be made, and forgets those from before `forget`. */
  request(account: string, at: number, forget: number): Promise<void>;
  /** Remembers that the API takes no request before a time, which was said at `setAt`. */
  hold(account: string, until: number, setAt: number): Promise<void>;
}
