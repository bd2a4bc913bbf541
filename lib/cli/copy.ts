/** `relay copy`, which the help does not list: the copying of `relay backup` and `relay restore`, in its own process. */

import { spawn } from "node:child_process";
import process from "node:process";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { ExitCode, hintOf, sayError, StoreError } from "../errors.ts";
import { Told } from "../locale/told.ts";
import { selfCommand } from "../runtime.ts";
import { StoreFault } from "../store/fault.ts";
import { type Contents, type Copy, copyStore } from "../store/sqlite/backup.ts";
import { locale, words } from "./language.ts";
import { INTERRUPTED, type LongWork, Progress } from "./long_work.ts";
import { printJson, verb } from "./shared.ts";

export function copyVerb(): Command {
  return verb("copy", "", "json").argument("<from>").argument("<to>").action(copy);
}

async function copy(from: string, to: string): Promise<void> {
  const progress = new Progress();
  const onProgress = (done: number) => progress.show(words.copies.copying(Math.floor(done * 100) / 100), done === 1);
  try {
    printJson(await copyStore(from, to, onProgress).finally(() => progress.end()));
  } catch (error) {
    const hint = hintOf(error);
    printJson({ problem: Told.of(sayError(error)).stored(), hint: hint && Told.of(hint).stored() } satisfies Failure);
    process.exitCode = ExitCode.failed;
  }
}

/** What goes wrong there, in every language. */
interface Failure {
  problem: string;
  hint?: string;
}

/**
 * Copies in another process. SQLite blocks the process that copies until it is done, which could not clean up after Ctrl-C.
 * @param work Ends the copying when the user asks for it.
 */
export function copyElsewhere(work: LongWork): Copy {
  return async (from, to) => {
    const [program, ...args] = selfCommand();
    const child = spawn(program, [...args, "copy", from, to, "--json", "--locale", locale], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const end = () => void child.kill("SIGKILL");
    work.signal.addEventListener("abort", end);
    try {
      const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
      const [answer, code] = await Promise.all([text(child.stdout), ended]);
      if (work.wasInterrupted) {
        throw new StoreError(({ copies }) => copies.stopped, undefined, INTERRUPTED);
      }
      if (code === 0) return JSON.parse(answer) as Contents;
      throw code === ExitCode.failed ? faultOf(answer) : new StoreFault(({ copies }) => copies.endedOutside);
    } finally {
      work.signal.removeEventListener("abort", end);
    }
  };
}

function faultOf(answer: string): StoreFault {
  const { problem, hint } = JSON.parse(answer) as Failure;
  return new StoreFault(Told.parse(problem).phrase, hint && Told.parse(hint).phrase);
}
