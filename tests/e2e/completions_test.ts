/** What `relay completions` prints, in the shells that read it. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { runRelay } from "../helpers/relay.ts";
import { verbsOfHelp } from "../helpers/verbs.ts";

const { path: folder, remove } = makeFolder();
process.on("exit", remove);

const scripts = {
  bash: (await runRelay(["completions", "bash"])).stdout,
  zsh: (await runRelay(["completions", "zsh"])).stdout,
  fish: (await runRelay(["completions", "fish"])).stdout,
};

const run = (program: string, args: string[], input = "") => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", input, cwd: folder });
  return { status, stdout, stderr };
};
const needs = (program: string) => ({
  skip: spawnSync(program, ["--version"]).error !== undefined && `needs ${program}, of Debian`,
});

/** What bash offers for a line that ends where the cursor is. */
function bashOffers(line: string): string[] {
  const file = join(folder, "completion.bash");
  writeFileSync(file, scripts.bash);
  const words = line.split(" ").map((word) => `'${word}'`).join(" ");
  const { stdout, stderr } = run(
    "bash",
    ["--norc"],
    `
    . ${file}; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _relay; printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
  rmSync(file);
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

test("bash completes verbs, options and what they take", needs("bash"), async () => {
  const known = await verbsOfHelp();
  assert.deepEqual(bashOffers("relay ").sort(), [...known.keys()].sort());
  assert.deepEqual(bashOffers("relay se").sort(), ["send", "serve", "service"]);
  assert.deepEqual(bashOffers("relay service ").sort(), ["install", "print", "uninstall"]);
  assert.deepEqual(bashOffers("relay init --locale p"), ["pt-BR"]);
  assert.ok(bashOffers("relay send note.").includes("note.failed"));
  for (const [verb, options] of known) {
    const offered = bashOffers(`relay ${verb} --`);
    for (const option of options) assert.ok(offered.includes(option), `${verb} ${option}`);
  }
});

test("fish completes verbs and options", needs("fish"), () => {
  const file = join(folder, "relay.fish");
  writeFileSync(file, scripts.fish);
  const offers = (line: string) => {
    const { stdout, stderr } = run("fish", ["--no-config", "-c", `source ${file}; complete -C '${line}'`]);
    assert.equal(stderr, "");
    return stdout.trim().split("\n").map((one) => one.split("\t")[0]);
  };
  assert.deepEqual(offers("relay se").sort(), ["send", "serve", "service"]);
  assert.ok(offers("relay events --").includes("--state"));
  rmSync(file);
});

test("zsh takes its completion for what it is", needs("zsh"), () => {
  const { status, stderr } = run(
    "zsh",
    ["-fn"],
    scripts.zsh,
  );
  assert.deepEqual([status, stderr], [0, ""]);
});

test("completions refuses a shell that it does not know, and names those that it knows", async () => {
  const { code, stderr } = await runRelay(["completions", "tcsh"]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^Cannot run `relay completions`: shell cannot be "tcsh"; expected one of bash, zsh, fish, powershell\n/,
  );
});
