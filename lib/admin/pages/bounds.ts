/** How much of an event its page shows, so that the page stays small whatever came in and was answered. */

/** Most that is shown of each; texts in characters. */
export interface Bounds {
  payload: number;
  message: number;
  answer: number;
  /** Of each delivery; the last ones are shown. */
  attempts: number;
  /** The last ones are shown. */
  deliveries: number;
}

/** What is shown at first. */
export const brief: Bounds = { payload: 10_000, message: 3_000, answer: 600, attempts: 5, deliveries: 8 };

/** What is shown to those who ask for everything. */
export const full: Bounds = {
  payload: 100_000,
  message: 100_000,
  answer: 10_000,
  attempts: 1_000,
  deliveries: 1_000,
};
