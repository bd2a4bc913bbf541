/** Within how long another relay, or the same one, works a lane again, in milliseconds. */

/** After one that was asked to stop has ended. */
export const STOPPED_MS = 2_000;

/** After one has died. */
export const KILLED_MS = 17_000;

/** After anything else. */
export const OTHER_MS = 37_000;
