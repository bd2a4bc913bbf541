/** A store that root works on in a folder of another user, who may have put anything there. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { makeFolder } from "./folder.ts";
import { configOf, executable, type Run } from "./relay.ts";
import { seedDead } from "./seed.ts";

/** Number of the other user, and of the one group of that user. */
export const NOBODY = 65_534;

/** Options of a test that needs root. */
export const needsRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };

export interface Foreign {
  /** Folder of all that follows, into which everybody may look. */
  path: string;
  /** Folder of the config, which is root's alone, as are the files in it: `whole.db` is a store to restore. */
  config: string;
  /** Folder of the store, which is the other user's. */
  state: string;
  /** Folder with files of root's: `secret`, and the store `store.db`. */
  secrets: string;
  /** Puts the store into its folder, where nothing else is then. */
  reset(): void;
  /** Runs a verb as root in the config's folder; of `serve`, until it listens. */
  run(...args: string[]): Promise<Run>;
  /**
   * Runs a verb as {@link Foreign.run}; it may fail, but in words.
   * @throws {assert.AssertionError} if it hangs, or anything of root's is other than it was.
   */
  attack(what: string, ...args: string[]): Promise<Run>;
}

/** The longest that a verb may take, in milliseconds. */
const HANGS_MS = 20_000;

/**
 * Makes such folders for as long as the work takes.
 * @param store Path of the store under `path`, as the config names it.
 */
export async function withForeign(work: (foreign: Foreign) => Promise<void>, store = "state/relay.db"): Promise<void> {
  const folder = makeFolder();
  const [config, state, secrets] = ["config", "state", "secrets"].map((name) => join(folder.path, name));
  const run: Foreign["run"] = (...args) => runAsRoot(args, config!);
  try {
    chmodSync(folder.path, 0o755);
    for (const path of [config!, secrets!]) mkdirSync(path, 0o700);
    mkdirSync(state!, 0o700);
    chownSync(state!, NOBODY, NOBODY);
    writeFileSync(join(config!, "relay.config.ts"), configText(join(folder.path, store)), { mode: 0o600 });
    await seedDead(join(config!, "whole.db"), 3, "crm");
    copyFileSync(join(config!, "whole.db"), join(secrets!, "store.db"));
    writeFileSync(join(secrets!, "secret"), "root's alone\n", { mode: 0o600 });
    const foreign: Foreign = {
      path: folder.path,
      config: config!,
      state: state!,
      secrets: secrets!,
      run,
      reset() {
        for (const name of readdirSync(state!)) rmSync(join(state!, name), { recursive: true });
        copyFileSync(join(config!, "whole.db"), join(state!, "relay.db"));
        chownSync(join(state!, "relay.db"), NOBODY, NOBODY);
      },
      async attack(what, ...args) {
        const before = contentsOf(secrets!);
        const ended = await run(...args);
        assert.deepEqual(contentsOf(secrets!), before, what);
        assert.notEqual(ended.code, null, `${what} hangs`);
        if (ended.code !== 0) assert.match(ended.stdout + ended.stderr, /Cannot /, what);
        return ended;
      },
    };
    foreign.reset();
    await work(foreign);
  } finally {
    folder.remove();
  }
}

function configText(store: string): string {
  return configOf({
    targets: `crm: http({ url: "http://127.0.0.1:9", retry: [] })`,
    routes: `{ on: "**", to: "crm" }`,
    more: `store: "sqlite:${store}"`,
  });
}

function runAsRoot(args: string[], cwd: string): Promise<Run> {
  const env = { PATH: process.env.PATH };
  const child = spawn(executable, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const run: Run = { code: null, stdout: "", stderr: "" };
  const hangs = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), HANGS_MS); // and what it has started
  child.stderr.on("data", (chunk) => run.stderr += chunk);
  let isServing = false;
  child.stdout.on("data", (chunk) => {
    run.stdout += chunk;
    if (isServing || args[0] !== "serve" || !run.stdout.includes('"listening')) return;
    isServing = true;
    process.kill(child.pid!, "SIGTERM");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(hangs);
      resolve({ ...run, code });
    });
  });
}

/** All that tells a file from another, or from what it was. */
function contentsOf(folder: string) {
  return readdirSync(folder).sort().map((name) => {
    const { uid, gid, mode, size, mtimeMs } = statSync(join(folder, name));
    const digest = createHash("sha256").update(readFileSync(join(folder, name))).digest("hex");
    return { name, uid, gid, mode, size, mtimeMs, digest };
  });
}

/** Makes a pipe: whoever opens it waits until another opens its other end. */
export function makePipe(path: string): void {
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
}
