/** What was measured: samples by section, row and column, of which the median counts. */

/** Samples of one figure. */
export type Samples = number[];

/** A section is a table: rows by name, and in them columns by name. */
export type Section = Map<string, Map<string, Samples>>;

export class Results {
  readonly sections = new Map<string, Section>();
  /** What is to be known beside the figures. */
  readonly notes: string[] = [];

  /** Adds a sample of each of these columns. */
  add(section: string, row: string, columns: Record<string, number>): void {
    for (const [column, value] of Object.entries(columns)) {
      const rows = getOrMake(this.sections, section, () => new Map() as Section);
      getOrMake(getOrMake(rows, row, () => new Map<string, Samples>()), column, () => []).push(value);
    }
  }

  /** The median of a figure; `undefined` if it was not measured. */
  median(section: string, row: string, column: string): number | undefined {
    const samples = this.sections.get(section)?.get(row)?.get(column);
    return samples && medianOf(samples);
  }

  /** For `--json`: medians and samples. */
  toJSON(): unknown {
    const figures = [...this.sections].map(([name, rows]) => [
      name,
      Object.fromEntries([...rows].map(([row, columns]) => [
        row,
        Object.fromEntries([...columns].map(([column, samples]) => [column, { median: medianOf(samples), samples }])),
      ])),
    ]);
    return { ...Object.fromEntries(figures), notes: this.notes };
  }
}

export function medianOf(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  if (!map.has(key)) map.set(key, make());
  return map.get(key)!;
}
