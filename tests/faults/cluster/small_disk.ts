/** A small disk for a database's files, which a test fills. Making one needs root. */

import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { makeFolder } from "../../helpers/folder.ts";
import { giveAway } from "../../helpers/postgres/user.ts";

export interface SmallDisk {
  /** An empty folder on it, which belongs to the user that runs databases. */
  path: string;
  /** Fills it up. */
  fill(): void;
  /** Makes room again. */
  free(): void;
  close(): void;
}

/** `$1`: pid of the test process. `$2`: where the disk is. */
const UNMOUNT_AFTER = 'while [ -d "/proc/$1" ]; do sleep 0.5; done; umount -l "$2"; rm -rf "$2"';

/** Makes one of this size, in memory; gives `undefined` where that is not allowed. */
export function makeSmallDisk(bytes: number): SmallDisk | undefined {
  const folder = makeFolder();
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder.path]);
  if (status !== 0) {
    folder.remove();
    return undefined;
  }
  // A test process that is killed does not close it.
  const args = ["-c", UNMOUNT_AFTER, "sh", String(process.pid), folder.path];
  const guard = spawn("/bin/sh", args, { detached: true, stdio: "ignore" });
  guard.unref();
  const path = join(folder.path, "data");
  const filler = join(folder.path, "filler");
  mkdirSync(path, { mode: 0o700 });
  giveAway(folder.path);
  giveAway(path);
  return {
    path,
    fill() {
      const file = openSync(filler, "a");
      try {
        for (let length = 1 << 20; length >= 1; length = length >> 1) writeAll(file, new Uint8Array(length));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    close() {
      guard.kill("SIGKILL");
      spawnSync("umount", ["-l", folder.path]);
      folder.remove();
    },
  };
}

/** Writes these bytes again and again, as long as there is room. */
function writeAll(file: number, bytes: Uint8Array): void {
  try {
    while (writeSync(file, bytes) > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
