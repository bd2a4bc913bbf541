/** A certificate for this machine, and the authority that vouches for it, which nobody else knows. */

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whether the program that makes them is there. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** Writes `ca.pem`, `cert.pem` (for `localhost` and 127.0.0.1) and `key.pem` into a folder. */
export function makeAuthority(folder: string): void {
  const openssl = (command: string, ...last: string[]) =>
    execFileSync("openssl", [...command.split(" "), ...last], { cwd: folder, stdio: "pipe" });
  const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  openssl(`req -x509 ${newKey} -keyout ca.key -out ca.pem -days 2 -subj`, "/CN=Authority of a test");
  openssl(`req ${newKey} -keyout key.pem -out request.pem -subj`, "/CN=localhost");
  writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  openssl("x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem");
}
