/** Rendezvous hashing: who should own a lane. Relays that see the same members agree, and few lanes move with each. */

import { createHash } from "node:crypto";
import { isOwnLane } from "../own_lane.ts";
import { targetOfLane } from "../recipient.ts";
import type { Member } from "../store/members.ts";

/**
 * The relay that should own a lane: the one with the highest weight among those that stay and whose configs name it.
 * One of relay's own lanes that no config names any more can go to any relay that stays.
 * @returns `undefined` if there is none.
 */
export function ownerOf<Known extends Pick<Member, "name" | "lanes" | "isLeaving">>(
  lane: string,
  members: readonly Known[],
): Known | undefined {
  const staying = members.filter(({ isLeaving }) => !isLeaving);
  const naming = staying.filter(({ lanes }) => lanes.includes(lane));
  return (naming.length === 0 && isOwnLane(lane) ? staying : naming)
    .map((member) => ({ member, weight: weightOf(lane, member) }))
    .reduce<{ member: Known; weight: string } | undefined>(
      (best, one) => best && best.weight >= one.weight ? best : one,
      undefined,
    )?.member;
}

/** A string; all have the same length. The lanes of a target's recipients share a pace, so they go together. */
function weightOf(lane: string, { name }: Pick<Member, "name">): string {
  return createHash("sha256").update(targetOfLane(lane)).update("\0").update(name).digest("hex");
}
