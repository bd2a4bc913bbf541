/** Why a program cannot be run, as far as its file tells, and what a person can do about it. */

import { Buffer } from "node:buffer";
import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import process from "node:process";
import { shellPath, type Warning } from "../warnings.ts";

/** What is read of a file: more than Linux reads of a first line. */
const MAX_START = 512;

/** Where the system finds a program that is named without a folder; `undefined` if nowhere. */
function findInPath(name: string, path: string): string | undefined {
  return path.split(delimiter).map((folder) => join(folder || ".", name))
    .find((file) => statOf(file)?.isFile() && may(file, constants.X_OK));
}

/** What a program is run with. */
export interface ScriptPlace {
  /** A whole path, or a name that is looked up in `path`. */
  program: string;
  /** The folder that it runs in. */
  folder: string;
  /** Its `PATH`. */
  path: string;
}

/** What stands in the way of running a program, where it can be seen. */
export function faultOf({ program, folder, path }: ScriptPlace): Warning | undefined {
  if (process.platform === "win32") return undefined;
  const closed = closedFolderOf(join(folder, "."));
  if (closed) return (words) => words.program.closed(closed, shellPath(closed));
  if (!statOf(folder)?.isDirectory()) return (words) => words.program.noFolder(folder);
  if (program.includes("/")) return faultOfFile(program, path);
  const found = findInPath(program, path);
  return found ? faultOfFile(found, path) : (words) => words.program.notInPath(program, path);
}

function faultOfFile(file: string, path: string): Warning | undefined {
  const stats = statOf(file);
  if (!stats) {
    const closed = closedFolderOf(file);
    return closed ? (words) => words.program.closed(closed, shellPath(closed)) : (words) => words.program.missing(file);
  }
  if (stats.isDirectory()) return (words) => words.program.isFolder;
  if (!stats.isFile()) return (words) => words.program.noFile;
  if (!may(file, constants.X_OK)) {
    const isMarked = (stats.mode & 0o111) !== 0;
    return (words) => isMarked ? words.program.notAllowed : words.program.notExecutable(shellPath(file));
  }
  const start = startOf(file); // what may not be read may still be run
  return start && faultOfContent(file, start, path);
}

function faultOfContent(file: string, start: Buffer, path: string): Warning | undefined {
  const text = start.toString("latin1");
  if (text.startsWith("#!")) return faultOfFirstLine(file, text.split("\n", 1)[0]!, path);
  if (text.startsWith("\xef\xbb\xbf#!")) return (words) => words.program.marked(shellPath(file));
  if (process.platform !== "linux") return undefined;
  if (text.startsWith("\x7fELF")) return faultOfMachine(start);
  const system = text.startsWith("MZ")
    ? "Windows"
    : /^(\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe)/.test(text)
    ? "macOS"
    : undefined;
  return (words) => system ? words.program.otherSystem(system) : words.program.noFirstLine;
}

/** A first line such as `#!/usr/bin/env python3`. */
function faultOfFirstLine(file: string, line: string, path: string): Warning | undefined {
  if (line.endsWith("\r")) return (words) => words.program.windowsLines(shellPath(file));
  const [, interpreter = "", argument = ""] = /^#![ \t]*(\S*)[ \t]*(\S*)/.exec(line) ?? [];
  if (!interpreter) return (words) => words.program.noFirstLine;
  if (!statOf(interpreter)?.isFile() || !may(interpreter, constants.X_OK)) {
    return (words) => words.program.noInterpreter(interpreter);
  }
  const isLookedUp = basename(interpreter) === "env" && /^[^-=/][^=/]*$/.test(argument);
  if (isLookedUp && !findInPath(argument, path)) return (words) => words.program.notInPath(argument, path);
  return undefined;
}

/** Machines by their number in a file's header. @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const machines: Readonly<Record<number, string>> = { 3: "x86", 40: "ARM", 62: "x86-64", 183: "ARM64", 243: "RISC-V" };

/** Those that this one runs. */
const ownMachines: Readonly<Record<string, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] };

function faultOfMachine(start: Buffer): Warning | undefined {
  const own = ownMachines[process.arch];
  if (!own || start.length < 20) return undefined;
  const machine = start[5] === 1 ? start.readUInt16LE(18) : start.readUInt16BE(18);
  if (own.includes(machine)) return undefined;
  return (words) => words.program.otherMachine(machines[machine] ?? String(machine), machines[own[0]!]!);
}

/** The outermost folder on a path's way that this process may not enter. */
function closedFolderOf(path: string): string | undefined {
  const folder = dirname(path);
  if (folder === path) return undefined;
  return closedFolderOf(folder) ?? (statOf(folder)?.isDirectory() && !may(folder, constants.X_OK) ? folder : undefined);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function startOf(path: string): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const start = Buffer.alloc(MAX_START);
    return start.subarray(0, readSync(file, start, 0, MAX_START, 0));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
