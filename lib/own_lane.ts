/** Lanes of relay's own, beside those of targets: what goes there is made for other deliveries, and shown with these. */

/** How the names of these lanes begin; no target's may. */
export const OWN_LANE = "relay::";

/** A lane without deliveries: whoever owns it has the duties. */
export const DUTIES = `${OWN_LANE}duties`;

export function isOwnLane(name: string): boolean {
  return name.startsWith(OWN_LANE);
}
