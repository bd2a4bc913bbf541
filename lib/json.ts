/** What a value is that was read from JSON, or stands in a config. */

/** Whether this is an object with names of its own, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
