/** Makes something at its first use, and keeps it. */

/** A function that calls `make` the first time alone, and returns its value each time. */
export function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
