/** Users of the system, as far as files tell of them. */

import { readFileSync, type Stats } from "node:fs";

/** A user whose rights root may take on. */
export interface User {
  uid: number;
  /** The one group that goes with it. */
  gid: number;
  /** The name, or the number where there is none. */
  name: string;
  /** As `sudo -u` takes it. */
  sudo: string;
}

/**
 * The owner of a file. The group is the user's own, since a file may have one that its owner is not in; it is the file's
 * where the system's list does not have the user, as it does not have those that systemd makes while a service runs.
 */
export function ownerOf({ uid, gid }: Pick<Stats, "uid" | "gid">): User {
  const known = entryOf(uid);
  const name = known?.name;
  return { uid, gid: known?.gid ?? gid, name: name ?? String(uid), sudo: name ?? `'#${uid}'` };
}

/** @see passwd(5) */
function entryOf(uid: number): { name: string; gid: number } | undefined {
  let text: string;
  try {
    text = readFileSync("/etc/passwd", "utf8");
  } catch {
    return undefined; // a container may have none
  }
  const entries = text.split("\n").map((line) => line.split(":"));
  const [name, , , gid] = entries.find((entry) => entry[2] === String(uid)) ?? [];
  return name ? { name, gid: Number(gid) } : undefined;
}
