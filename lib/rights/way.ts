/** Who can change what a path leads to: whoever owns a folder on the way there decides what its names stand for. */

import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { RelayError } from "../errors.ts";
import { ownerOf, type User } from "./user.ts";

/** Where root no longer decides alone what a path leads to; nothing of it is set where root does so to the end. */
export interface Way {
  /** The first user other than root who can change it. */
  owner?: User;
  /** What belongs to that user, an absolute path without links: a folder, or a file in a folder that all share. */
  theirs?: string;
  /** The folder of it: itself, or the one that it lies in. */
  folder?: string;
  /** In place of an owner: a folder of root's that others write to as well, so that anybody may have changed it. */
  shared?: string;
  /** Whether nobody can move or remove what others have in that folder, as in `/tmp`. */
  isSticky?: boolean;
}

/** As Linux has it. */
const MAX_LINKS = 40;

/**
 * Follows a path as the system does, link by link, until it leaves what root alone can change. What lies behind that is
 * not looked at: it may be another thing by the time that it is opened. For root.
 * @param path An absolute path; nothing need be there.
 */
export function wayTo(path: string): Way {
  let folder = "/";
  let names = namesOf(path);
  let isClosed = false; // others than root come no further: what they might write to there does not count
  for (let links = 0; links <= MAX_LINKS;) {
    const stats = lstatSync(folder);
    if (stats.uid !== 0) return { owner: ownerOf(stats), theirs: folder, folder };
    const isShared = !isClosed && mayOthers(WRITE, stats);
    isClosed ||= !mayOthers(ENTER, stats);
    const isSticky = (stats.mode & 0o1000) !== 0;
    if (isShared && !isSticky) return { shared: folder, isSticky };
    const [name, ...rest] = names;
    if (name === undefined) return isShared ? { shared: folder, isSticky } : {};

    if (name === "..") {
      [folder, names, isClosed] = ["/", [...namesOf(dirname(folder)), ...rest], false];
      continue;
    }
    const place = join(folder, name);
    const found = lstatSync(place, { throwIfNoEntry: false });
    const isFolder = found?.isDirectory() ?? false;
    if (isShared && found && found.uid !== 0) {
      return { owner: ownerOf(found), theirs: place, folder: isFolder ? place : folder };
    }
    if (found?.isSymbolicLink()) {
      const target = readlinkSync(place);
      if (isAbsolute(target)) [folder, isClosed] = ["/", false];
      names = [...namesOf(target), ...rest];
      links++;
    } else if (isFolder) [folder, names] = [place, rest];
    else return isShared ? { shared: folder, isSticky } : {};
  }
  throw new RelayError(({ errors }) => errors.rights.tooManyLinks(path));
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

const [WRITE, ENTER] = [0o022, 0o011];

/** Whether others than its owner may do this with a folder. The group of root's own is root's. */
function mayOthers(what: number, { mode, gid }: Stats): boolean {
  return (mode & what & (gid === 0 ? 0o007 : 0o077)) !== 0;
}
