/** `relay copy`, which no help tells of: the copying of `relay backup` and `relay restore`, in a process of its own. */

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { ExitCode, StoreError } from "../errors.ts";
import { selfCommand } from "../runtime.ts";
import { type Contents, type Copy, copyStore } from "../store/sqlite/backup.ts";
import { INTERRUPTED, type LongWork, Progress } from "./long_work.ts";
import { printJson, verb } from "./shared.ts";

export function copyVerb(): Command {
  return verb("copy", "copy and check a store", "json").argument("<from>").argument("<to>").action(copy);
}

async function copy(from: string, to: string): Promise<void> {
  const progress = new Progress();
  const onProgress = (done: number) => progress.show(`copying and checking: ${Math.floor(done * 100)} %`, done === 1);
  printJson(await copyStore(from, to, onProgress).finally(() => progress.end()));
}

/**
 * Copies in another process: SQLite holds up the one that copies until it is done, which so could not clean up after Ctrl-C.
 * @param work Ends the copying where it is when the user asks it to.
 */
export function copyElsewhere(work: LongWork): Copy {
  return async (from, to) => {
    const [program, ...args] = selfCommand();
    const child = spawn(program, [...args, "copy", from, to, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    const end = () => void child.kill("SIGKILL");
    work.signal.addEventListener("abort", end);
    try {
      const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
      const [answer, code] = await Promise.all([text(child.stdout), ended]);
      if (work.wasInterrupted) throw new StoreError("Stopped: nothing is changed", undefined, INTERRUPTED);
      if (code === 0) return JSON.parse(answer) as Contents;
      throw code === ExitCode.failed ? failureOf(answer) : new Error("the copying was ended from outside");
    } finally {
      work.signal.removeEventListener("abort", end);
    }
  };
}

/** What went wrong there, without what was to be done, which the caller says. */
function failureOf(answer: string): Error {
  const { error } = JSON.parse(answer) as { error: string };
  return new Error(error.replace(/^Cannot copy .*?: /, ""));
}
