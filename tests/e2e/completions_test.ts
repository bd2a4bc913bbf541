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
  powershell: (await runRelay(["completions", "powershell"])).stdout,
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

/** A script for PowerShell without its comments, each text between apostrophes as one word; what it says is in `texts`. */
function powershellParts(script: string): { code: string; texts: string[] } {
  const texts: string[] = [];
  const code = script.replaceAll(/'((?:[^']|'')*)'|^\s*#.*$/gm, (_, text?: string) => {
    if (text === undefined) return "";
    return `«${texts.push(text.replaceAll("''", "'")) - 1}»`;
  });
  return { code, texts };
}

// PowerShell itself is not to be had from Debian.
test("the completion for PowerShell offers every verb, option and value, and closes what it opens", async () => {
  const { code, texts } = powershellParts(scripts.powershell);
  for (const [open, close] of ["{}", "()", "[]", "«»"]) {
    assert.equal(code.split(open!).length, code.split(close!).length, `${open}${close}`);
  }
  assert.ok(!/['’‘]/.test(code), "a text is left open");
  const say = (text: string) => text.replaceAll(/«(\d+)»/g, (_, index) => texts[Number(index)]!);
  const blocks = new Map(
    [...code.matchAll(/^ {6}(«\d+») \{\n([^}]*)\}/gm)].map(([, path, lines]) => [
      say(path!),
      [...lines!.matchAll(/& \$new («\d+») («\d+»)/g)].map(([, text]) => say(text!)),
    ]),
  );
  const known = await verbsOfHelp();
  assert.deepEqual(blocks.get("relay")!.filter((one) => !one.startsWith("-")).sort(), [...known.keys()].sort());
  for (const [verb, options] of known) {
    assert.ok(code.includes("$path = ") && texts.includes(`relay ${verb}`), verb);
    for (const option of options) assert.ok(blocks.get(`relay ${verb}`)!.includes(option), `${verb} ${option}`);
  }
  assert.deepEqual(blocks.get("relay completions")!.slice(0, 4), ["bash", "zsh", "fish", "powershell"]);
  const states = /^ {4}(«\d+») \{ (.*) \}$/gm;
  const values = new Map([...code.matchAll(states)].map(([, option, offers]) => [say(option!), say(offers!)]));
  assert.match(values.get("relay status --locale")!, /\(\$prefix \+ pt-BR\) pt-BR/);
  assert.match(values.get("relay events --state")!, /\(\$prefix \+ dead\) dead/);
});

test("completions describes verbs in the language that is asked for", async () => {
  for (const shell of ["zsh", "fish", "powershell"]) {
    const { stdout } = await runRelay(["completions", shell, "--locale", "pt-BR"]);
    assert.match(stdout, /mostra a versão, o runtime e a plataforma/, shell);
  }
});

test("completions refuses a shell that it does not know, and names those that it knows", async () => {
  const { code, stderr } = await runRelay(["completions", "tcsh"]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^Cannot run `relay completions`: shell cannot be "tcsh"; expected one of bash, zsh, fish, powershell\n/,
  );
});
