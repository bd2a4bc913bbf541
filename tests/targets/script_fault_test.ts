/** The script target and programs that cannot be run: each time the cause and the remedy, which mends it. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import { runsByShell, selfCommand } from "../../lib/runtime.ts";
import { scriptTarget } from "../../lib/targets/script.ts";
import { toldIn } from "../../lib/warnings.ts";
import { attemptsBy } from "../helpers/attempts.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { reasonOf } from "./contract.ts";

/** An executable of this machine, of which one number says that it is another's. */
function ofOtherMachine(): Uint8Array {
  const program = new Uint8Array(readFileSync("/bin/true"));
  new DataView(program.buffer).setUint16(18, process.arch === "arm64" ? 62 : 183, true);
  return program;
}

interface Row {
  name: string;
  /** What is at `run.sh`, or how it is made. */
  file?: string | Uint8Array | ((path: string) => void);
  mode?: number;
  command?: string[];
  /** What follows "cannot run PROGRAM: ". `FILE` stands for the file's path, `FOLDER` for its folder's. */
  fault: string | RegExp;
}

const rows: Row[] = [
  { name: "is missing", command: ["./missing.sh"], fault: "the file FOLDER/missing.sh does not exist" },
  { name: "lies behind a file", file: "x", command: ["./run.sh/a"], fault: "the file FILE/a does not exist" },
  { name: "is a link to nothing", file: (path) => symlinkSync("nothing", path), fault: "the file FILE does not exist" },
  { name: "is a link to itself", file: (path) => symlinkSync("run.sh", path), fault: "the file FILE does not exist" },
  {
    name: "is not in PATH",
    command: ["no-such-program"],
    fault: /^no-such-program is not in PATH \(\/\S+\); install it, or write its full path$/,
  },
  { name: "is a folder", file: (path) => mkdirSync(path), fault: "it is a folder" },
  { name: "is a pipe", file: (path) => execFileSync("mkfifo", ["-m", "755", path]), fault: "it is not a file" },
  {
    name: "is not executable",
    file: "#!/bin/sh\nexit 0\n",
    mode: 0o644,
    fault: "it is not executable; run: chmod +x FILE",
  },
  {
    name: "has no first line that says what runs it",
    file: "exit 0\n",
    fault: 'its first line does not say what runs it; add "#!/bin/sh", or the interpreter it is written for',
  },
  {
    name: "is empty",
    file: "",
    fault: 'its first line does not say what runs it; add "#!/bin/sh", or the interpreter it is written for',
  },
  {
    name: "was saved on Windows",
    file: "#!/bin/sh\r\nexit 0\r\n",
    fault: "its lines end with CRLF, as on Windows; run: sed -i 's/\\r$//' FILE",
  },
  {
    name: "has a byte order mark",
    file: "\uFEFF#!/bin/sh\nexit 0\n",
    fault: "a byte order mark precedes its \"#!\"; run: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE",
  },
  {
    name: "wants an interpreter that is missing",
    file: "#! /usr/bin/no-such-python -u\n",
    fault: "its first line names /usr/bin/no-such-python, which does not exist; install it, or correct the line",
  },
  {
    name: "wants an interpreter that is not in PATH",
    file: "#!/usr/bin/env no-such-python\n",
    fault: /^no-such-python is not in PATH \(\/\S+\); install it, or write its full path$/,
  },
  {
    name: "was saved on Windows, and gives its interpreter an argument",
    file: "#!/bin/sh -e\r\nexit 0\r\n",
    fault: "its lines end with CRLF, as on Windows; run: sed -i 's/\\r$//' FILE",
  },
  {
    name: "is built for another machine",
    file: ofOtherMachine(),
    fault: process.arch === "arm64"
      ? "it is built for x86-64, but this machine is ARM64; use the build for ARM64"
      : "it is built for ARM64, but this machine is x86-64; use the build for x86-64",
  },
  {
    name: "is built for Windows",
    file: "MZ\0\0",
    fault: "it is built for Windows; use the build for Linux",
  },
  {
    name: "is built for macOS",
    file: Uint8Array.from([0xcf, 0xfa, 0xed, 0xfe, 7]),
    fault: "it is built for macOS; use the build for Linux",
  },
];

/** Makes a folder with the file, for as long as `use` takes. */
async function withFile(
  { file = "#!/bin/sh\nexit 0\n", mode = 0o755 }: Pick<Row, "file" | "mode">,
  use: (folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = makeFolder();
  const path = join(folder.path, "run.sh");
  try {
    if (typeof file === "function") file(path);
    else writeFileSync(path, file, { mode });
    await use(folder.path);
  } finally {
    folder.remove();
  }
}

const make = (command: string[], folder: string) => makeTarget(scriptTarget, { command }, { folder });

function warningsOf(command: string[], folder: string): string[] {
  const warnings = make(command, folder).warnings.map((warning) => ({ path: "", warning }));
  return toldIn("en", warnings).map(({ message }) => message);
}

for (const { name, file, mode, command = ["./run.sh"], fault } of rows) {
  test(`deliver() says why and is tried again where the program ${name}, and build() warns of it`, async () => {
    await withFile({ file, mode }, async (folder) => {
      const outcome = await attempt(make(command, folder), makeDelivery, never);
      assert.ok(outcome?.kind === "retry", JSON.stringify(outcome));
      assert.equal(outcome.reason, "script_not_run");
      const start = `Cannot run ${command[0]}: `;
      const detail = String(outcome.detail);
      assert.ok(detail.startsWith(start), detail);
      const told = detail.slice(start.length);
      if (typeof fault !== "string") assert.match(told, fault);
      else assert.equal(told, fault.replace("FILE", join(folder, "run.sh")).replace("FOLDER", folder));
      assert.deepEqual(warningsOf(command, folder), [`cannot run ${command[0]}: ${told}`]);

      const [, remedy] = /; run: (.+)$/.exec(told) ?? [];
      if (!remedy) return;
      execFileSync("sh", ["-c", remedy]);
      assert.deepEqual(warningsOf(command, folder), []);
      assert.equal((await attempt(make(command, folder), makeDelivery, never))?.kind, "delivered", remedy);
    });
  });
}

test("deliver() is tried again where the system knows of a fault that the file does not show", async () => {
  await withFile({ file: "\x7fELF" }, async (folder) => {
    assert.deepEqual(warningsOf(["./run.sh"], folder), []);
    const outcome = await attempt(make(["./run.sh"], folder), makeDelivery, never);
    assert.ok(outcome?.kind === "retry");
    // A shell that is given what the system does not run says by its exit code that it cannot either.
    const [reason, detail] = runsByShell
      ? ["script_failed", "The script exited with code 127"]
      : ["script_not_run", "Cannot run ./run.sh: the system does not know how to run it"];
    assert.deepEqual([outcome.reason, String(outcome.detail)], [reason, detail]);
  });
});

test("deliver() names a file so that a shell understands the remedy", async () => {
  await withFile({ mode: 0o644 }, async (folder) => {
    const odd = join(folder, "it's $HOME; a folder");
    mkdirSync(odd);
    writeFileSync(join(odd, "run.sh"), "#!/bin/sh\n", { mode: 0o644 });
    const outcome = await attempt(make(["./run.sh"], odd), makeDelivery, never);
    assert.ok(outcome?.kind === "retry");
    execFileSync("sh", ["-c", /; run: (.+)$/.exec(String(outcome.detail))![1]!]);
    assert.equal((await attempt(make(["./run.sh"], odd), makeDelivery, never))?.kind, "delivered");
  });
});

test("deliver() says that the folder is gone, not the program", async () => {
  await withFile({}, async (folder) => {
    const target = make(["/bin/true"], folder);
    rmSync(folder, { recursive: true });
    const outcome = await attempt(target, makeDelivery, never);
    assert.ok(outcome?.kind === "retry");
    assert.equal(String(outcome.detail), `Cannot run /bin/true: its working directory does not exist: ${folder}`);
    mkdirSync(folder);
  });
});

test("deliver() says so where no descriptors are left, and goes on once there are", () => {
  const child = fileURLToPath(import.meta.resolve("../helpers/descriptors_child.ts"));
  const command = [...selfCommand().slice(0, -1), child];
  const limited = ["-c", 'ulimit -n 100; exec "$@"', "sh", ...command];
  const { status, stdout, stderr } = spawnSync("sh", limited, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const outcomes: Outcome[] = JSON.parse(stdout);
  const told = outcomes.map((one) => one.kind === "retry" ? one.detail : one.kind);
  const fault = "Cannot run /bin/cat: the relay has no file descriptors left";
  assert.deepEqual([...new Set(told)], [fault, "delivered"]);
});

/** Without what lets root enter every folder and read every file. */
const asUser = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : ["env"];
const needsUser = {
  skip: spawnSync(asUser[0]!, [...asUser.slice(1), "true"]).status === 0 ? false : "needs setpriv, of util-linux",
};

test("deliver() says which folder cannot be entered", needsUser, async () => {
  await withFile({ file: (path) => mkdirSync(path) }, async (folder) => {
    const closed = join(folder, "run.sh");
    mkdirSync(join(closed, "scripts"));
    for (const path of ["closed", "scripts/a"]) writeFileSync(join(closed, path), "#!/bin/sh\n", { mode: 0o755 });
    const commands = [["./run.sh/closed"], ["./run.sh/scripts/a"], ["./run.sh/scripts/missing"]];
    const attempts = () => attemptsBy(asUser, "script", commands.map((command) => ({ command })), folder);
    const details = (outcomes: Outcome[]) => outcomes.map((one) => one.kind === "retry" && one.detail);

    chmodSync(closed, 0o000);
    const outcomes = await attempts();
    assert.deepEqual(outcomes.map(reasonOf), commands.map(() => "script_not_run"));
    const fault = `the relay's user cannot enter the folder ${closed}; move the program, or run: chmod o+x ${closed}`;
    assert.deepEqual(details(outcomes), commands.map(([program]) => `Cannot run ${program}: ${fault}`));

    chmodSync(closed, 0o755);
    assert.deepEqual((await attempts()).map(({ kind }) => kind), ["delivered", "delivered", "retry"]);
  });
});

test("build() warns of nothing where a program can be run", async () => {
  await withFile({}, (folder) => {
    for (
      const program of ["./run.sh", "run.sh/../run.sh", join(folder, "run.sh"), "true", "/bin/true", process.execPath]
    ) {
      assert.deepEqual(warningsOf([program], folder), [], program);
    }
  });
});
