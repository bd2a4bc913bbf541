/** Options of targets that tests under faults share. */

/** Turns the circuit off: these tests are about each delivery, not about when a target is left alone. */
const noCircuit = "circuit: false";

/** Tries again soon, and for long enough. */
export const tryAgain = `retry: Array(200).fill("150ms"), ${noCircuit}`;
