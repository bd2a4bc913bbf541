/** Installs what the relay is compared with, and the load generator. */

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { benchFolder } from "./machine.ts";

const debianPackages = ["wrk", "webhook", "nginx", "php-fpm", "gunicorn", "python3-flask"];

const express = "express@5.3.0";

const npmFolder = join(benchFolder, "npm");

/** Where Express is, once it is installed. */
export const expressFolder: string = join(npmFolder, "node_modules", "express");

/** Installs from npm into a folder that git ignores, and from Debian if this is root. */
export function install(): void {
  mkdirSync(npmFolder, { recursive: true });
  command("npm", [
    "install",
    "--prefix",
    npmFolder,
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    express,
  ]);
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
