/**
 * A view of the file system that is this process's own, in which a user reaches a folder of theirs that lies in one that is
 * closed to them: systemd keeps the folder of a service's state in `/var/lib/private`, which only root may enter.
 */

import { closeSync, constants, lstatSync, mkdirSync, openSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { RelayError } from "../errors.ts";
import { type Libc, libc } from "../libc.ts";
import type { User } from "./user.ts";

const CLONE_NEWNS = 0x20000;
const MS_NOSUID_NODEV = 2 | 4;
const MS_BIND = 0x1000;
const MS_REC_SLAVE = 0x4000 | 0x80000;

let hasOwnView = false;
/** Closed folders in whose place there is an open one in this view. */
const opened = new Set<string>();

/**
 * Prepares the way for a user into a folder, and gives what opens it. In place of the folder that is closed lies an empty
 * one then, with nothing but the way: whatever else is in it, that user could not reach before either. For root; counts for
 * the thread that calls it, on which SQLite and the synchronous functions of `node:fs` work, and for programs it starts.
 * @param folder An absolute path on which no other than root can change anything.
 * @throws {RelayError} if the system does not let a view be made.
 */
export function wayInto(folder: string, user: User): () => void {
  const closed = foldersAbove(folder).find((one) => !mayEnter(lstatSync(one), user));
  if (closed === undefined) return () => {};
  const { mount, unshare }: Partial<Libc> = libc() ?? {};
  const check = (result: number | undefined) => {
    if (result === 0) return;
    throw new RelayError(
      `Cannot reach ${folder} with the rights of ${user.words}, whose it is: ${closed} is closed to that user, and the system lets no other view of it be made`,
      "this takes the right to mount, which root has on Linux, but not in every container",
    );
  };
  if (!hasOwnView) {
    check(unshare?.(CLONE_NEWNS));
    check(mount?.(null, cString("/"), null, MS_REC_SLAVE, null));
    hasOwnView = true;
  }
  const descriptor = openSync(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  let isOpen = false;
  return () => {
    if (isOpen) return;
    const umask = process.umask(0o022);
    try {
      if (!opened.has(closed)) {
        check(mount?.(cString("tmpfs"), cString(closed), cString("tmpfs"), MS_NOSUID_NODEV, cString("mode=755")));
        opened.add(closed);
      }
      mkdirSync(folder, { recursive: true });
      check(mount?.(cString(`/proc/self/fd/${descriptor}`), cString(folder), null, MS_BIND, null));
      closeSync(descriptor);
      isOpen = true;
    } finally {
      process.umask(umask);
    }
  };
}

/** From the outermost to the one that it lies in. */
function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [...foldersAbove(folder), folder];
}

function mayEnter({ uid, gid, mode }: Stats, user: User): boolean {
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
