/**
 * A view of the file system that is this process's own, in which a user reaches a folder of theirs that lies in one that is
 * closed to them: systemd keeps the folder of a service's state in `/var/lib/private`, which only root may enter.
 */

import { constants, lstatSync, mkdirSync, openSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { RelayError } from "../errors.ts";
import { type Libc, libc } from "../libc.ts";
import type { User } from "./user.ts";

const CLONE_NEWNS = 0x20000;
const MS_NOSUID_NODEV = 2 | 4;
const MS_BIND = 0x1000;
const MS_REC_SLAVE = 0x4000 | 0x80000;
const MNT_DETACH = 2;

let hasOwnView = false;

/** A way into a folder, for a time. */
export interface ViewOf {
  /** @throws {RelayError} if the system does not let it be made. */
  open(): void;
  /** Takes it away again; what was opened by it stays open. */
  close(): void;
}

/**
 * The way for a user into a folder. While it is open, an empty folder lies in place of the one that is closed to that user,
 * with nothing but the way: whatever else is in it, that user cannot reach either. For root; counts for the thread that
 * calls it, on which SQLite and the synchronous functions of `node:fs` work, and for programs that it starts meanwhile.
 * @param folder An absolute path on which no other than root can change anything.
 * @throws {RelayError} if the system does not let a view be made.
 */
export function viewOf(folder: string, user: User): ViewOf {
  const closed = foldersAbove(folder).find((one) => !mayEnter(lstatSync(one), user));
  if (closed === undefined) return { open() {}, close() {} };
  const { mount, umount2, unshare }: Partial<Libc> = libc() ?? {};
  const check = (result: number | undefined) => {
    if (result === 0) return;
    throw new RelayError(
      ({ errors }) => errors.rights.cannotReach(folder, user.name, closed),
      ({ errors }) => errors.rights.needsMount,
    );
  };
  if (!hasOwnView) {
    check(unshare?.(CLONE_NEWNS));
    check(mount?.(null, cString("/"), null, MS_REC_SLAVE, null));
    hasOwnView = true;
  }
  const descriptor = openSync(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return {
    open() {
      const umask = process.umask(0o022);
      try {
        check(mount?.(cString("tmpfs"), cString(closed), cString("tmpfs"), MS_NOSUID_NODEV, cString("mode=755")));
        mkdirSync(folder, { recursive: true });
        check(mount?.(cString(`/proc/self/fd/${descriptor}`), cString(folder), null, MS_BIND, null));
      } finally {
        process.umask(umask);
      }
    },
    close() {
      umount2?.(cString(closed), MNT_DETACH);
    },
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
