/** Room that outsiders take up, such as memory for what they have sent so far: bounded in all and for each network. */

/** Somebody who takes up room. */
export interface Occupant {
  /** Network of the client. */
  readonly network: string;
  /**
   * The lower, the sooner it has to go where others need its room; `Infinity` is never. `now` is of the monotonic clock, in
   * milliseconds.
   */
  worth(now: number): number;
  /** Has to go: it leaves the room by the time this returns. */
  evict(): void;
}

interface Network {
  occupants: Map<Occupant, number>;
  held: number;
}

/** A room's bounds, in whatever unit. */
export interface RoomOptions {
  /** How much there is. */
  size: number;
  /** How much of it one network may have, by more than one occupant. */
  share: number;
  /** The monotonic clock, in milliseconds. */
  now: () => number;
  /** Called each time that `turnover` more has come in. */
  onTurnover: () => void;
  turnover: number;
}

export class Room {
  readonly #options: RoomOptions;
  readonly #networks = new Map<string, Network>();
  #held = 0;
  #added = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /**
   * Notes how much somebody takes up now. Where that is more than there is, others go: of the network that has most,
   * those worth least. That may be the one who asks. One occupant that is alone may have as much as it takes.
   */
  hold(occupant: Occupant, amount: number): void {
    const { size, share, now, turnover, onTurnover } = this.#options;
    const network = this.#networks.get(occupant.network) ?? { occupants: new Map(), held: 0 };
    this.#networks.set(occupant.network, network);
    const added = amount - (network.occupants.get(occupant) ?? 0);
    network.occupants.set(occupant, amount);
    network.held += added;
    this.#held += added;
    this.#added += Math.max(added, 0);
    if (this.#added >= turnover) {
      this.#added = 0;
      onTurnover();
    }
    for (let out: Occupant | undefined; out !== occupant;) {
      if (network.held > share && network.occupants.size > 1) out = leastOf(network, now()) ?? occupant;
      else if (this.#held > size && !this.#isAlone()) out = this.#least() ?? occupant;
      else return;
      this.#evict(out);
    }
  }

  leave(occupant: Occupant): void {
    const network = this.#networks.get(occupant.network);
    const amount = network?.occupants.get(occupant);
    if (!network || amount === undefined) return;
    network.occupants.delete(occupant);
    network.held -= amount;
    this.#held -= amount;
    if (network.occupants.size === 0) this.#networks.delete(occupant.network);
  }

  /** The one worth least of the network that has most has to go, if any can. */
  evictOne(): void {
    const least = this.#least();
    if (least) this.#evict(least);
  }

  #least(): Occupant | undefined {
    let largest: Network | undefined;
    for (const network of this.#networks.values()) {
      if (!largest || network.held > largest.held) largest = network;
    }
    return largest && leastOf(largest, this.#options.now());
  }

  #evict(occupant: Occupant): void {
    this.leave(occupant);
    occupant.evict();
  }

  #isAlone(): boolean {
    const [network, ...others] = this.#networks.values();
    return others.length === 0 && network?.occupants.size === 1;
  }
}

/** The one worth least; nothing where all are worth too much to go. */
function leastOf({ occupants }: Network, now: number): Occupant | undefined {
  let least: Occupant | undefined;
  let worth = Infinity;
  for (const occupant of occupants.keys()) {
    const its = occupant.worth(now);
    if (its < worth) [least, worth] = [occupant, its];
  }
  return least;
}
