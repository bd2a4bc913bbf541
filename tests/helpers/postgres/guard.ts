/** Ends a server, and removes its folders, when the test process has ended without doing so. */

import { spawn } from "node:child_process";
import process from "node:process";

/** `$1`: pid of the test process. `$2`: file with the server's pid in its first line. What follows: the folders. */
const SCRIPT = `
if [ -d /proc/self ]
then while [ -d "/proc/$1" ]; do sleep 0.5; done
else while ps -p "$1" >/dev/null; do sleep 0.5; done
fi
if server=$(head -n 1 "$2" 2>/dev/null)
then
  kill -QUIT "$server"
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$server" 2>/dev/null || break; sleep 0.5; done
fi
shift 2
rm -rf "$@"
`;

/**
 * Watches over the folders in a process of its own, which outlives a test process that is killed.
 * @returns What ends the watch.
 */
export function guard(folders: readonly string[], pidFile: string): () => void {
  const args = ["-c", SCRIPT, "sh", String(process.pid), pidFile, ...folders];
  const child = spawn("/bin/sh", args, { detached: true, stdio: "ignore" });
  child.unref();
  return () => child.kill("SIGKILL");
}
