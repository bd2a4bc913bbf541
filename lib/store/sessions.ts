/** What a store keeps about the sessions of the operator's pages: which of them were signed out. */

/** A session: a request with its cookie needs no token. */
export interface Session {
  /** Random. */
  id: string;
  /** When it ends by itself, in Unix milliseconds. */
  until: number;
}

/** Errors and transactions are as in {@link Store}. */
export interface SessionStore {
  /** Ends a session for good, wherever its cookie is. @param now Sessions that expired before this are forgotten. */
  end(session: Session, now: number): Promise<void>;
  /** Whether a session was ended. */
  isEnded(id: string): Promise<boolean>;
}
