/** Delivers to a local program: the body on standard input, what it needs to know in its environment. */

import { resolve, sep } from "node:path";
import process from "node:process";
import * as z from "zod/mini";
import { printable, type RelayEvent } from "../event.ts";
import type { Phrase } from "../locale/phrase.ts";
import { Told } from "../locale/told.ts";
import { listOf } from "../near_miss.ts";
import { expected, options, text } from "../options.ts";
import type { Outcome, Retry } from "../outcome.ts";
import { runsByShell } from "../runtime.ts";
import type { SecretText } from "../secret.ts";
import type { Warning } from "../warnings.ts";
import { exitOutcome } from "./outcomes.ts";
import { type ProgramOptions, startProgram } from "./program.ts";
import { faultOf } from "./script_fault.ts";
import { policyOf, type TargetDefinition, type TargetKind, type TargetOptions, targetShape } from "./target.ts";

/** Options of `script()`. */
export interface ScriptOptions extends TargetOptions {
  /** The program and its arguments, without a shell. A relative path is relative to the config's folder. */
  command: readonly [program: string, ...args: string[]];
  /** The program's environment, besides `PATH` and the `RELAY_…` variables. It gets no others. */
  env?: Record<string, SecretText>;
}

/** Runs a program. Delivered when it ends with 0. 65 is a dead letter at once; after any other code, relay tries again. */
export function script(options: ScriptOptions): TargetDefinition {
  return { target: scriptTarget, options };
}

/** Bytes kept of each output. */
const MAX_OUTPUT_BYTES = 4096;

/** How long outputs may stay open after the program ended, in milliseconds: something it started may hold them. */
const OUTPUT_WAIT_MS = 200;

const isWindows = process.platform === "win32";

const noNul = text((words) => words.config.expectations.noNul, (text) => !text.includes("\0"));
const program = expected((words) => words.config.expectations.program);

const schema = options({
  ...targetShape,
  command: z.array(noNul, expected((words) => words.config.expectations.command, meantCommand)).check(
    z.minLength(1, program),
    z.refine(([first]) => first !== "", program),
  ),
  env: z._default(z.record(text((words) => words.config.expectations.variable, /^[^=\0]+$/), noNul), {}),
});

/** A command line as a list of its words. */
function meantCommand(value: unknown): string | undefined {
  const parts = typeof value === "string" ? value.trim().split(/\s+/) : [""];
  return parts[0] === "" || /["'`$\\|&;<>]/.test(parts.join("")) ? undefined : listOf(parts);
}

export const scriptTarget: TargetKind<z.output<typeof schema>> = {
  schema,
  fields: [],
  build(name, options, context) {
    const [first = "", ...args] = options.command;
    const isPath = first.includes("/") || first.includes(sep);
    const program = isPath ? resolve(context.folder, first) : first;
    const path = options.env.PATH ?? process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
    const findFault = () => faultOf({ program, folder: context.folder, path });
    const fault = findFault();

    return {
      name,
      kind: "script",
      policy: policyOf(options),
      address: options.command.join(" "),
      secrets: Object.values(options.env),
      warnings: fault ? [(words) => words.noProgram(first, fault(words))] : [],
      sendsBytes: () => true,
      render: () => ({ command: options.command }),

      async deliver({ id, attempt, event }, signal) {
        signal.throwIfAborted();
        const env = {
          ...(isWindows && process.env.SystemRoot && { SystemRoot: process.env.SystemRoot }), // nothing starts without it
          ...options.env,
          PATH: path,
          ...variablesOf(event),
          RELAY_TARGET: name,
          RELAY_DELIVERY_ID: id,
          RELAY_ATTEMPT: String(attempt),
        };
        const fault = runsByShell ? findFault() : undefined;
        if (fault) return notRun(first, fault);
        try {
          const outcome = await run([program, ...args], { cwd: context.folder, env, input: event.body }, signal);
          if (outcome.kind !== "retry") return outcome;
          // An interpreter may have failed by the file: it takes CR for part of an argument, or `env` finds nothing.
          const fault = findFault();
          return fault ? { ...outcome, ...notRun(first, fault) } : outcome;
        } catch (error) {
          return notRun(first, findFault() ?? error as NodeJS.ErrnoException);
        }
      },
    };
  },
};

/** The outcome of a program that could not be run. It may be mended any time, so that it is tried again. */
function notRun(program: string, why: Warning | NodeJS.ErrnoException): Retry {
  const cause: Phrase = typeof why === "function" ? ({ warnings }) => why(warnings) : (words) => {
    const { code = why.message } = why;
    const { system } = words.outcomes.script;
    return Object.hasOwn(system, code) ? system[code as keyof typeof system] : code;
  };
  const detail = Told.of((words) => words.outcomes.script.cannotRun(program, cause(words)));
  return { kind: "retry", reason: "script_not_run", detail };
}

function variablesOf(event: RelayEvent): Record<string, string> {
  return { RELAY_EVENT_ID: event.id, RELAY_EVENT_TYPE: printable(event.type), RELAY_SOURCE: event.source };
}

async function run(
  command: readonly string[],
  options: Omit<ProgramOptions, "onOutput">,
  signal: AbortSignal,
): Promise<Outcome> {
  const [output, errors] = [new Kept(), new Kept()];
  const program = startProgram(command, { ...options, onOutput: [output.add, errors.add] });
  let late: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", program.kill);
  try {
    const { code, signal: endedBy } = await program.ended;
    signal.removeEventListener("abort", program.kill); // what it has left running goes on
    const isLate = new Promise((resolve) => late = setTimeout(resolve, OUTPUT_WAIT_MS));
    await Promise.race([program.closed, isLate]);
    const answer = [output.text, errors.text].filter(Boolean).join("\n");
    return { ...exitOutcome(code, endedBy), ...(answer && { answer }) };
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", program.kill);
    program.release();
  }
}

/** The first bytes of an output. */
class Kept {
  text = "";
  #room = MAX_OUTPUT_BYTES;
  readonly #decoder = new TextDecoder();

  readonly add = (chunk: Uint8Array): void => {
    if (this.#room > 0) this.text += this.#decoder.decode(chunk.subarray(0, this.#room), { stream: true });
    this.#room -= chunk.byteLength;
  };
}
