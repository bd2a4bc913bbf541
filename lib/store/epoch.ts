/** Identifies a lane's owner: a number that grows with each owner, and a random token in case two share a number. */
export interface Epoch {
  lane: string;
  number: number;
  token: string;
}

export function isSameEpoch(one: Epoch, other: Epoch): boolean {
  return one.lane === other.lane && one.number === other.number && one.token === other.token;
}
