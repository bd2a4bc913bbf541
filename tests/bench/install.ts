/** Installs what the relay is compared with, and the load generator. */

import { spawnSync } from "node:child_process";
import process from "node:process";

const debianPackages = ["wrk", "webhook", "nginx", "php-fpm", "gunicorn", "python3-flask"];

/** Installs from Debian if this is root. */
export function install(): void {
  if (process.getuid?.() !== 0) {
    process.stderr.write(`Not root: install ${debianPackages.join(" ")} yourself\n`);
    return;
  }
  // By RUNLEVEL Debian's packages do not start the servers that they bring.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  command("apt-get", ["update"], env);
  command("apt-get", ["install", "-y", "--no-install-recommends", ...debianPackages], env);
}

function command(program: string, args: string[], env = process.env): void {
  const { status } = spawnSync(program, args, { stdio: ["ignore", 2, 2], env });
  if (status !== 0) process.stderr.write(`${program} ${args[0]} failed; what it installs is left out\n`);
}
