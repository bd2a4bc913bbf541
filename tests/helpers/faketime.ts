/** A clock for whole programs that a test sets: libfaketime, of Debian. */

import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The environment of a program whose clock a test sets, and what sets it while the program runs. */
export interface FakeTime {
  env: Record<string, string>;
  /** @param by How far the clock is off, such as `+10h`, `-10h`, `+20y`, `+0`. Time passes as it does. */
  set(by: string): void;
}

/** @param folder Where a file may be written that says what the clock is. */
export function fakeTime(folder: string): FakeTime {
  const file = join(folder, "clock");
  const set = (by: string) => {
    writeFileSync(`${file}.new`, `${by}\n`);
    renameSync(`${file}.new`, file);
  };
  set("+0");
  const env = {
    LD_PRELOAD: findLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    DONT_FAKE_MONOTONIC: "1", // nobody can set that one
  };
  return { env, set };
}

/**
 * The environment of a program whose clock is off all the time.
 * @param by How far, such as `+4m`, `-3m`, `+0`.
 */
export function offTime(by: string): Record<string, string> {
  return { LD_PRELOAD: findLibrary(), FAKETIME: by, DONT_FAKE_MONOTONIC: "1" };
}

function findLibrary(): string {
  const root = "/usr/lib";
  const paths = existsSync(root)
    ? readdirSync(root).map((name) => join(root, name, "faketime", "libfaketimeMT.so.1")).filter(existsSync)
    : [];
  if (paths.length === 0) throw new Error("This test needs libfaketime, a package of Debian");
  return paths[0]!;
}
