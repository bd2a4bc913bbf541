/** What was measured: samples by section, row and column, one of each round, of which the median counts. */

/** Samples of one figure, by round. */
export type Samples = number[];

/** A section is a table: rows by name, and in them columns by name. */
export type Section = Map<string, Map<string, Samples>>;

/** Where a figure stands. */
export type Figure = readonly [section: string, row: string, column: string];

export class Results {
  readonly sections = new Map<string, Section>();
  /** What is to be known beside the figures. */
  readonly notes: string[] = [];

  /** Adds a sample of each of these columns that was measured. */
  add(section: string, row: string, columns: Record<string, number | undefined>): void {
    for (const [column, value] of Object.entries(columns)) {
      if (value === undefined) continue;
      const rows = getOrMake(this.sections, section, () => new Map() as Section);
      getOrMake(getOrMake(rows, row, () => new Map<string, Samples>()), column, () => []).push(value);
    }
  }

  /** The median of a figure; `undefined` if it was not measured. */
  median(figure: Figure): number | undefined {
    const samples = this.#samples(figure);
    return samples && medianOf(samples);
  }

  /** One figure compared with another of the same rounds: the median of the rounds. `undefined` if either is missing. */
  compare(figure: Figure, other: Figure, by: (a: number, b: number) => number): number | undefined {
    const [these, those] = [this.#samples(figure), this.#samples(other)];
    if (!these || !those) return undefined;
    if (these.length !== those.length) return by(medianOf(these), medianOf(those));
    return medianOf(these.map((value, round) => by(value, those[round]!)));
  }

  #samples([section, row, column]: Figure): Samples | undefined {
    return this.sections.get(section)?.get(row)?.get(column);
  }

  /** For `--json`: medians and samples. */
  toJSON(): Record<string, unknown> {
    const figures = [...this.sections].map(([name, rows]) => [
      name,
      Object.fromEntries([...rows].map(([row, columns]) => [
        row,
        Object.fromEntries([...columns].map(([column, samples]) => [
          column,
          { median: rounded(medianOf(samples)), samples: samples.map(rounded) },
        ])),
      ])),
    ]);
    return { ...Object.fromEntries(figures), notes: this.notes };
  }
}

/** Five digits say more than such a measurement can. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
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
